import type { AnyMessage, Refusable, Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing, MessageContext } from '@payflow/messaging';
import type { PaymentKey } from '../database/payment.repository.js';
import { keyOf } from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { decideReviews, reviewState, type Decided, type Deciding } from './review.repository.js';

export type DecideCommand = AnyMessage<'payflow.review.decide.v1'>;

/** A payment that its review ends, and why. */
export interface ReviewEnd {
  readonly payment: Payment;
  readonly code: Refusal & ('review_denied' | 'review_expired');
  readonly reason: string;
  readonly cause: MessageContext & { readonly id: string };
}

export interface ReviewsDecided {
  readonly messages: AnyOutgoing[];
  readonly repeated: string[];
  /** To be started now, as if they had just been taken in. */
  readonly approved: readonly { readonly payment: Payment; readonly cause: MessageContext }[];
  readonly ended: readonly ReviewEnd[];
}

/** A payment that is past its time, and the message that found it so. */
export interface Overdue extends PaymentKey {
  readonly cause: MessageContext & { readonly id: string; readonly actor: string };
}

/** Decides reviews, and ends those whose payments ran out of time. One statement, and none for nothing. */
export async function decideAll(
  tx: Transaction,
  commands: readonly DecideCommand[],
  overdue: readonly Overdue[],
): Promise<ReviewsDecided> {
  // Of several decisions on one review the first counts: the others meet one that is not open.
  const first = new Map<string, DecideCommand>();
  for (const command of commands) {
    const key = paymentKeyOf(command);
    if (!first.has(key)) first.set(key, command);
  }
  const late = new Map(overdue.filter((one) => !first.has(keyOf(one))).map((one) => [keyOf(one), one]));
  const causes = [...first.values(), ...[...late.values()].map(({ cause }) => cause)];
  const outcomes = await decideReviews(tx, [
    ...[...first.values()].map(toDeciding),
    ...[...late.values()].map(toExpiry),
  ]);
  const decided = outcomes.flatMap((outcome, at) => (outcome.isNew ? [{ ...outcome, cause: causes[at] }] : []));
  const standing = new Map([...first.keys()].map((key, at) => [key, outcomes[at] as Decided]));
  const answers = commands.map((command) => answerTo(command, standing.get(paymentKeyOf(command)) as Decided));
  return {
    messages: [...decided.map(decidedEvent), ...answers.flatMap(({ refused }) => refused ?? [])] as AnyOutgoing[],
    repeated: answers.flatMap(({ repeated }) => repeated ?? []),
    approved: decided.filter(({ review }) => review?.status === 'approved') as never,
    ended: decided.flatMap(({ review, payment, cause }): ReviewEnd[] => {
      if (!review || !payment || review.status === 'approved') return [];
      const code = review.status === 'denied' ? 'review_denied' : 'review_expired';
      return [{ payment, code, reason: review.reason, cause: cause as ReviewEnd['cause'] }];
    }),
  };
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

function answerTo(
  command: DecideCommand,
  { review, isNew }: Decided,
): { readonly refused?: AnyOutgoing; readonly repeated?: string } {
  if (!review) return { refused: refuseDecision(command, 'review_not_found') };
  if (review.decisionId === command.id) return isNew ? {} : { repeated: command.id };
  return { refused: refuseDecision(command, 'review_not_open') };
}

function decidedEvent({
  review,
  payment,
  cause,
}: Decided & { readonly cause: MessageContext | undefined }): AnyOutgoing {
  const data = reviewState(payment as Payment, review as NonNullable<Decided['review']>);
  return {
    type: 'payflow.review.decided.v1',
    subject: data.id,
    aggregateVersion: data.version,
    data,
    cause: cause as MessageContext,
  };
}

function toDeciding({ tenant, livemode, id: decisionId, actor, data }: DecideCommand): Deciding {
  const { payment, decision, reason } = data;
  return { tenant, livemode, payment, decision, decisionId, actor, reason };
}

function toExpiry({ tenant, livemode, id: payment, cause }: Overdue): Deciding {
  return { tenant, livemode, payment, decision: 'expire', decisionId: cause.id, actor: cause.actor, reason: null };
}

function paymentKeyOf({ tenant, livemode, data }: DecideCommand): string {
  return keyOf({ tenant, livemode, id: data.payment });
}
