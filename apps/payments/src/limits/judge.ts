import type { Refusable } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { keyOf } from '../database/payment.repository.js';
import type { Life } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import { factsOf } from './facts.js';
import { Increases, increasesOf, windowsOfIncrease, type IncreaseCommand } from './increase.js';
import { keyOfOwner, type OwnedPolicy, type Owner, type Policies } from './policy.repository.js';
import { reviewOf, reviewState, type Review } from './review.repository.js';
import { Tally, windowsOf, type Admission, type Policy } from './tally.js';
import { lockWindows, readTimes } from './use.repository.js';
import type { Looked } from './velocity.js';

type Create = Refusable<'payflow.payment.create.v1'>;

/** What is to be held against limits and rules. */
export interface ToJudge {
  /** Payments that were just taken in, and whose tenants have limits or rules. */
  readonly creates: readonly Create[];
  readonly increases: readonly IncreaseCommand[];
  /** The payments that these are for, under their locks: first the payments, then the windows, as whoever ends payments does. */
  readonly lives: ReadonlyMap<string, Life>;
  /** Policies that were read, or changed, in this transaction: by `keyOfOwner`. */
  readonly known: ReadonlyMap<string, OwnedPolicy>;
}

/** What became of it. */
export interface Judgement {
  /** By the keys of the payments. */
  readonly admissions: ReadonlyMap<string, Admission>;
  /** Increases are asked about when it is their turn. */
  readonly increases: Increases;
  readonly reviews: readonly Review[];
  /** What all of it takes of the limits, once the last has had its turn: to be written with the rest. */
  readonly tally: Tally;
}

const NONE: Policy = { limits: [], rules: [] };

/** Holds payments against limits and rules, in their order, and makes ready to ask what is to be added to others. Three statements at most. */
export async function judge(
  tx: Transaction,
  policies: Policies,
  { creates, increases, lives, known }: ToJudge,
): Promise<Judgement> {
  const adding = increasesOf(increases, lives);
  if (creates.length + adding.length === 0) return nothing();
  const owners = [...creates, ...adding.map(({ life }) => life.payment)].filter((one) => !known.has(keyOfOwner(one)));
  const read = await policies.load(tx, owners);
  const policyOf = (owner: Owner) => known.get(keyOfOwner(owner)) ?? read.get(keyOfOwner(owner));
  const asked = creates.map((create) => ({ create, facts: factsOf(create), policy: policyOf(create) ?? NONE }));
  const windows = [
    ...asked.flatMap(({ facts, policy }) => windowsOf(facts, policy)),
    ...adding.flatMap((each) => windowsOfIncrease(each, policyOf(each.life.payment))),
  ];
  const fresh = new Set(creates.map((create) => keyOf({ ...create, id: create.data.id })));
  const held = [...lives.values()].map(({ payment }) => payment);
  const sums = await lockWindows(
    tx,
    windows,
    held.filter((payment) => payment.admission !== null && !fresh.has(keyOf(payment))),
  );
  const times = await readTimes(
    tx,
    windows.filter((window): window is Looked => 'span_ms' in window),
  );
  const tally = new Tally(sums, times);
  const admitted = asked.map(({ create, facts, policy }) => ({ create, admission: tally.admit(facts, policy) }));
  const openedAt = new Date().toISOString();
  return {
    admissions: new Map(admitted.map(({ create, admission }) => [keyOf({ ...create, id: create.data.id }), admission])),
    increases: new Increases(policyOf, tally),
    reviews: admitted.flatMap(({ create, admission }) =>
      admission.kind === 'review' ? [opened(create, admission, openedAt)] : [],
    ),
    tally,
  };
}

function nothing(): Judgement {
  const tally = new Tally(new Map(), new Map());
  return { admissions: new Map(), increases: new Increases(() => undefined, tally), reviews: [], tally };
}

/** The payment waits for a human: nobody asks the ledger for it until then. */
function opened(
  { tenant, livemode, data }: Create,
  { rule, reason }: Extract<Admission, { kind: 'review' }>,
  openedAt: string,
): Review {
  const undecided = { decidedAt: null, decidedBy: null, decisionReason: null, decisionId: null };
  const times = { openedAt, expiresAt: data.expires_at, confirm: data.confirm !== false };
  return { tenant, livemode, payment: data.id, rule, reason, ...times, status: 'open', version: 1, ...undecided };
}

/** The event that tells of a payment's review. */
export function reviewOpened(payment: Payment, review: Review, cause: Create): AnyOutgoing {
  return {
    type: 'payflow.review.opened.v1',
    subject: reviewOf(payment.id),
    aggregateVersion: 1,
    data: reviewState(payment, review),
    cause,
  };
}
