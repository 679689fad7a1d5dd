import type { Refusable } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing, MessageContext } from '@payflow/messaging';
import { keyOf } from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { factsOf } from './facts.js';
import { keyOfOwner, type OwnedPolicy, type Policies } from './policy.repository.js';
import { openReviews, reviewOf, reviewState } from './review.repository.js';
import { Tally, windowsOf, type Admission, type Policy } from './tally.js';
import { lockWindows, readTimes, reserve } from './use.repository.js';

type Create = Refusable<'payflow.payment.create.v1'>;

const NONE: Policy = { limits: [], rules: [] };

/**
 * Holds payments that were just taken in, and whose tenants have limits or rules, against these, in their order. Takes what
 * they need of the limits, opens the reviews, and says of each what became of it, by {@link keyOf}. `known` has the policies
 * that this transaction has read, and as it changed them. At most five statements, whatever the number of payments.
 */
export async function admit(
  tx: Transaction,
  policies: Policies,
  creates: readonly Create[],
  known: ReadonlyMap<string, OwnedPolicy> = new Map(),
): Promise<Map<string, Admission>> {
  if (creates.length === 0) return new Map();
  const unread = creates.filter((create) => !known.has(keyOfOwner(create)));
  const read = unread.length > 0 ? await policies.load(tx, unread) : new Map<string, OwnedPolicy>();
  const asked = creates.map((create) => ({
    create,
    facts: factsOf(create),
    policy: known.get(keyOfOwner(create)) ?? read.get(keyOfOwner(create)) ?? NONE,
  }));
  const windows = asked.flatMap(({ facts, policy }) => windowsOf(facts, policy));
  const looked = windows.filter((window) => 'after_ms' in window);
  const sums = windows.length > 0 ? await lockWindows(tx, windows) : new Map<string, bigint>();
  const times = looked.length > 0 ? await readTimes(tx, looked) : new Map<string, number[]>();
  const tally = new Tally(sums, times);
  const admissions = asked.map(({ create, facts, policy }) => ({ create, admission: tally.admit(facts, policy) }));
  await reserve(tx, tally.growth, tally.reservations);
  const openedAt = new Date().toISOString();
  await openReviews(
    tx,
    admissions.flatMap(({ create: { tenant, livemode, data }, admission }) => {
      if (admission.kind !== 'review') return [];
      const { rule, reason } = admission;
      const times = { openedAt, expiresAt: data.expires_at, confirm: data.confirm !== false };
      return [{ tenant, livemode, payment: data.id, rule, reason, ...times }];
    }),
  );
  return new Map(
    admissions.map(({ create, admission }) => [
      keyOf({ ...create, id: create.data.id }),
      withTime(admission, openedAt),
    ]),
  );
}

function withTime(admission: Admission, openedAt: string): Admission {
  return admission.kind === 'review' ? { ...admission, openedAt } : admission;
}

/** The event that tells of a payment's review. */
export function reviewOpened(
  payment: Payment,
  { rule, reason, openedAt = payment.createdAt }: Extract<Admission, { kind: 'review' }>,
  cause: MessageContext,
): AnyOutgoing {
  const undecided = { decidedAt: null, decidedBy: null, decisionReason: null, decisionId: null };
  return {
    type: 'payflow.review.opened.v1',
    subject: reviewOf(payment.id),
    aggregateVersion: 1,
    data: reviewState(payment, { status: 'open', rule, reason, openedAt, version: 1, ...undecided }),
    cause,
  };
}
