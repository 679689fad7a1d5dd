import { newId } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import { lifeOf, withPayment, type Life } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import { takeDefinitions } from '../limits/definitions.js';
import { judge, reviewOpened, type Judgement } from '../limits/judge.js';
import type { Increases } from '../limits/increase.js';
import type { Admitted, JudgementChanges } from '../limits/judgement.repository.js';
import { isActive, keyOfOwner, type OwnedPolicy, type Policies } from '../limits/policy.repository.js';
import type { Review } from '../limits/review.repository.js';
import { decideAll, type Approved } from '../limits/reviews.js';
import { isIncrease, type CommandBatch } from './command-batch.js';
import type { Added, WholeCreate } from './creates.js';
import type { Turn } from './lives.js';
import type { Scene } from './scene.js';
import { directTransfer } from './tidings.js';
import { approval, beginning, denial, rejection } from './turns.js';

type AddedPayment = Added<WholeCreate>;

/** What limits, rules and reviewers have let pass, and what they have not. */
export interface HeldBack {
  readonly messages: readonly AnyOutgoing[];
  readonly repeated: readonly string[];
  /** What begins and what ends because of it. */
  readonly turns: readonly Turn[];
  /** Payments that the batch has inserted, and that are more than a transfer. */
  readonly fresh: ReadonlyMap<string, Life>;
  /** Asked about each increase when it is its turn. */
  readonly increases: Increases;
  /** The policies that it was held against, as the batch has left them: by `keyOfOwner`. */
  readonly policies: ReadonlyMap<string, OwnedPolicy>;
  /** What is to be written of it, once all turns have been played. */
  readonly changes: () => JudgementChanges;
}

interface ToHoldBack {
  readonly batch: CommandBatch;
  readonly added: readonly AddedPayment[];
  /** Keys of the payments that another one keeps from beginning. */
  readonly barred: ReadonlySet<string>;
  readonly scene: Scene;
}

/**
 * Has what came in judged: definitions first, which hold for the payments of their own batch. Three statements at most; none where
 * the organisations have neither limits nor rules, but one where something is to be added to payments.
 */
export async function holdBack(
  tx: Transaction,
  policies: Policies,
  { batch, added: taken, barred, scene }: ToHoldBack,
): Promise<HeldBack> {
  const defined = takeDefinitions(batch.definitions, scene);
  const added = defined.changed.size === 0 ? taken : taken.map((one) => asDefined(one, defined.changed));
  const fresh = freshOf(added, barred);
  const lives = new Map([...scene.loaded.lives, ...fresh]);
  const known = new Map([...scene.policies, ...defined.changed]);
  const judgement = await judge(tx, policies, {
    creates: added
      .filter(({ payment }) => payment.admission !== null && !barred.has(keyOf(payment)))
      .map(({ command }) => command),
    increases: batch.asked.filter(isIncrease),
    lives,
    known,
  });
  const opened = byPayment(judgement.reviews);
  const now = scene.loaded.now ?? new Date().toISOString();
  const reviews = new Map([...scene.reviews, ...opened]);
  const reviewed = decideAll(batch.decisions, { reviews, lives, now, aheadOf: scene.loaded.aheadOf });
  const approved = reviewed.approved.map(askedNow);
  const entered = added.map((one) =>
    barred.has(keyOf(one.payment))
      ? { turn: denial(one.payment, 'payment_retried', null, one.command) }
      : enter(one, judgement, opened.get(keyOf(one.payment))),
  );
  const direct = approved.filter(({ payment }) => payment.ledgerCommandId !== null);
  return {
    messages: [
      ...defined.messages,
      ...entered.flatMap(({ message }) => message ?? []),
      ...reviewed.messages,
      ...direct.map(({ payment, cause }) => directTransfer(payment, cause)),
    ],
    repeated: defined.repeated,
    turns: [...approved.map(approval), ...reviewed.denied.map(rejection), ...entered.flatMap(({ turn }) => turn ?? [])],
    fresh: new Map([...fresh].map(([key, life]) => [key, opened.has(key) ? withAdmission(life, 'in_review') : life])),
    increases: judgement.increases,
    policies: known,
    changes: () => ({
      policies: [...defined.changed.values()],
      definitions: defined.definitions,
      growth: judgement.tally.growth,
      reservations: judgement.tally.reservations,
      reviews: [...new Map([...opened, ...byPayment(reviewed.reviews)]).values()],
      admitted: [
        ...admittedIn(taken, added, [...judgement.reviews, ...reviewed.reviews], approved),
        ...[...judgement.increases.newlyJudged.values()].map(asJudged),
      ],
    }),
  };
}

/**
 * A review may take days, and what was sent and received is compared by the day in each message's id: the ledger is asked by one
 * that is made when it is asked.
 */
function askedNow(approved: Approved): Approved {
  const { payment } = approved;
  if (payment.ledgerCommandId === null) return approved;
  return { ...approved, payment: { ...payment, ledgerCommandId: newId('event') } };
}

/** Inserted before its organisation had limits or rules, which it has since, by a command of the same batch. */
function asDefined(one: AddedPayment, changed: ReadonlyMap<string, OwnedPolicy>): AddedPayment {
  const policy = changed.get(keyOfOwner(one.payment));
  if (one.payment.admission !== null || !policy || !isActive(policy)) return one;
  return { ...one, payment: { ...one.payment, admission: 'judged' } };
}

function freshOf(added: readonly AddedPayment[], barred: ReadonlySet<string>): Map<string, Life> {
  return new Map(
    added
      .filter(
        ({ payment }) => payment.ledgerCommandId === null || payment.admission !== null || barred.has(keyOf(payment)),
      )
      .map(({ payment }) => [keyOf(payment), lifeOf(payment)]),
  );
}

/** A payment that came in begins, waits for a human, or has failed. */
function enter(
  { payment, command }: AddedPayment,
  { admissions }: Judgement,
  review: Review | undefined,
): { readonly message?: AnyOutgoing; readonly turn?: Turn } {
  if (review) return { message: reviewOpened(payment, review, command) };
  const admission = admissions.get(keyOf(payment));
  if (admission?.kind === 'denied') return { turn: denial(payment, admission.code, admission.reason, command) };
  if (payment.ledgerCommandId === null) return { turn: beginning(payment, command) };
  return { message: directTransfer(payment, command) };
}

export function asJudged({ tenant, livemode, id }: PaymentKey): Admitted {
  return { tenant, livemode, id, admission: 'judged' };
}

/** Where the rows of payments say something else by now than they did when they were inserted, or read. */
function admittedIn(
  inserted: readonly AddedPayment[],
  added: readonly AddedPayment[],
  reviews: readonly Review[],
  approved: readonly Approved[],
): Admitted[] {
  const asked = new Map(approved.map(({ payment }) => [keyOf(payment), payment.ledgerCommandId]));
  const admitted = new Map<string, Admitted>();
  const note = (payment: PaymentKey, admission: Admitted['admission']) => {
    const { tenant, livemode, id } = payment;
    const ledgerCommandId = asked.get(keyOf(payment));
    admitted.set(keyOf(payment), { tenant, livemode, id, admission, ...(ledgerCommandId && { ledgerCommandId }) });
  };
  added.forEach(({ payment }, at) => {
    if (payment.admission !== null && inserted[at]?.payment.admission === null) note(payment, payment.admission);
  });
  for (const review of reviews)
    note({ ...review, id: review.payment }, review.status === 'open' ? 'in_review' : 'judged');
  return [...admitted.values()];
}

function byPayment(reviews: readonly Review[]): Map<string, Review> {
  return new Map(reviews.map((review) => [keyOf({ ...review, id: review.payment }), review]));
}

function withAdmission(life: Life, admission: Payment['admission']): Life {
  return withPayment(life, { admission });
}
