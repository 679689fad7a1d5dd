import type { AnyMessage, Refusable, Refusal } from '@payflow/contracts';
import type { AnyOutgoing } from '@payflow/messaging';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import type { Life } from '../domain/life.js';
import type { Payment } from '../domain/payment.js';
import { reviewOf, reviewState, type Review } from './review.repository.js';

export type DecideCommand = AnyMessage<'payflow.review.decide.v1'>;

/** A payment that its review has let go on. */
export interface Approved {
  readonly payment: Payment;
  /** False where it waits to be confirmed now. */
  readonly confirm: boolean;
  readonly cause: DecideCommand;
}

/** A payment that its review ends, and why. */
export interface Denied {
  readonly payment: Payment;
  readonly code: Refusal & ('review_denied' | 'review_expired');
  readonly reason: string;
  readonly cause: DecideCommand;
}

export interface ReviewsDecided {
  readonly messages: readonly AnyOutgoing[];
  /** As they stand now. */
  readonly reviews: readonly Review[];
  /** To be started now, as if they had just been taken in. */
  readonly approved: readonly Approved[];
  readonly denied: readonly Denied[];
}

/** What decisions are made on. The payments are locked; reviews and lives are by the keys of the payments. */
export interface Reviewable {
  readonly reviews: ReadonlyMap<string, Review>;
  readonly lives: ReadonlyMap<string, Life>;
  /** The database's clock, RFC 3339. */
  readonly now: string;
  /** By how many milliseconds the test clocks of payments' spaces are ahead of it: what ran out of time is judged by these. */
  readonly aheadOf: ReadonlyMap<string, number>;
}

/** Decides reviews, in the order of the commands: each meets its review as the one before has left it. */
export function decideAll(
  commands: readonly DecideCommand[],
  { reviews, lives, now, aheadOf }: Reviewable,
): ReviewsDecided {
  const decided = new Map<string, Review>();
  const [events, refused]: [AnyOutgoing[], AnyOutgoing[]] = [[], []];
  const [approved, denied]: [Approved[], Denied[]] = [[], []];
  for (const cause of commands) {
    const key = paymentKeyOf(cause);
    const before = decided.get(key) ?? reviews.get(key);
    const review = decide(before, cause, { now, ownNow: later(now, aheadOf.get(key)) });
    const payment = lives.get(key)?.payment;
    if (!review || !payment) {
      refused.push(...refusalOf(cause, before));
      continue;
    }
    decided.set(key, review);
    events.push(decidedEvent(payment, review, cause));
    if (review.status === 'approved') approved.push({ payment, confirm: review.confirm, cause });
    else {
      const code = review.status === 'denied' ? 'review_denied' : 'review_expired';
      denied.push({ payment, code, reason: review.reason, cause });
    }
  }
  return {
    messages: [...events, ...refused],
    reviews: [...decided.values()],
    approved,
    denied,
  };
}

/** One decision. Past the payment's time nobody can approve any more. */
function decide(
  review: Review | undefined,
  command: DecideCommand,
  { now, ownNow }: { readonly now: string; readonly ownNow: string },
): Review | undefined {
  const { decision, reason, if_version: seen } = command.data;
  if (review?.status !== 'open' || (seen !== undefined && seen !== review.version)) return undefined;
  const isOver = review.expiresAt <= ownNow;
  if (decision === 'approve' ? isOver : decision === 'expire' && !isOver) return undefined;
  const { id: decisionId, actor: decidedBy } = command;
  const status = ({ approve: 'approved', deny: 'denied', expire: 'expired' } as const)[decision];
  const decided = { decidedAt: now, decidedBy, decisionReason: reason, decisionId };
  return { ...review, ...decided, status, version: review.version + 1 };
}

function later(now: string, by_ms = 0): string {
  return by_ms === 0 ? now : new Date(Date.parse(now) + by_ms).toISOString();
}

function decidedEvent(payment: Payment, review: Review, cause: DecideCommand): AnyOutgoing {
  const data = reviewState(payment, review);
  return { type: 'payflow.review.decided.v1', subject: data.id, aggregateVersion: data.version, data, cause };
}

/** Tells whoever asked that a decision was given up, or too damaged to be read. */
export function refuseDecision(
  command: Refusable<'payflow.review.decide.v1'>,
  reason: Refusal,
  now = new Date().toISOString(),
): AnyOutgoing {
  const { id, payment } = command.data;
  const data = { id, payment, reason, recorded_at: now };
  return { type: 'payflow.review.rejected.v1', subject: id, aggregateVersion: 1, data, cause: command };
}

/** Our own word that a payment ran out of time before anybody had looked at it. */
export function expiryOf({ id: payment, tenant, livemode }: PaymentKey, actor: string): AnyOutgoing {
  const id = reviewOf(payment);
  const data = { id, payment, decision: 'expire', reason: 'The payment ran out of time.' } as const;
  return { type: 'payflow.review.decide.v1', subject: id, data, origin: { tenant, livemode, actor } };
}

/** None where it has decided, and where nobody waits for an answer: to our own word. */
function refusalOf(command: DecideCommand, review: Review | undefined): AnyOutgoing[] {
  if (review?.decisionId === command.id || command.data.decision === 'expire') return [];
  if (!review) return [refuseDecision(command, 'review_not_found')];
  const { if_version: seen = review.version } = command.data;
  return [refuseDecision(command, seen === review.version ? 'review_not_open' : 'version_differs')];
}

function paymentKeyOf({ tenant, livemode, data }: DecideCommand): string {
  return keyOf({ tenant, livemode, id: data.payment });
}
