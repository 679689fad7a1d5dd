import type { AnyMessage, Refusable, Refusal } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { AnyOutgoing } from '@payflow/messaging';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import type { Payment } from '../domain/payment.js';
import { decideReviews, reviewOf, reviewState, type Decided } from './review.repository.js';

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
  readonly repeated: readonly string[];
  /** To be started now, as if they had just been taken in. */
  readonly approved: readonly Approved[];
  readonly denied: readonly Denied[];
}

const NOTHING: ReviewsDecided = { messages: [], repeated: [], approved: [], denied: [] };

/** Decides reviews. One statement, and none for nothing. */
export async function decideAll(tx: Transaction, commands: readonly DecideCommand[]): Promise<ReviewsDecided> {
  if (commands.length === 0) return NOTHING;
  // Of several decisions on one review the first that can be meant counts: the others meet one that is not open.
  const first = new Map<string, DecideCommand>();
  for (const command of commands) {
    const key = paymentKeyOf(command);
    const before = first.get(key);
    if (!before || (!isOfOpen(before) && isOfOpen(command))) first.set(key, command);
  }
  const causes = [...first.values()];
  const outcomes = await decideReviews(tx, causes.map(toDeciding));
  const standing = new Map([...first.keys()].map((key, at) => [key, outcomes[at] as Decided]));
  const answers = commands.map((command) => answerTo(command, standing.get(paymentKeyOf(command)) as Decided));
  const [events, approved, denied]: [AnyOutgoing[], Approved[], Denied[]] = [[], [], []];
  outcomes.forEach(({ isNew, review, payment, confirm }, at) => {
    if (!isNew || !review || !payment) return;
    const cause = causes[at] as DecideCommand;
    const data = reviewState(payment, review);
    events.push({
      type: 'payflow.review.decided.v1',
      subject: data.id,
      aggregateVersion: data.version,
      data,
      cause,
    });
    if (review.status === 'approved') approved.push({ payment, confirm, cause });
    else {
      const code = review.status === 'denied' ? 'review_denied' : 'review_expired';
      denied.push({ payment, code, reason: review.reason, cause });
    }
  });
  return {
    messages: [...events, ...answers.flatMap(({ refused }) => refused ?? [])],
    repeated: answers.flatMap(({ repeated }) => repeated ?? []),
    approved,
    denied,
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

/** Our own word that a payment ran out of time before anybody had looked at it. */
export function expiryOf({ id: payment, tenant, livemode }: PaymentKey, actor: string): AnyOutgoing {
  const id = reviewOf(payment);
  const data = { id, payment, decision: 'expire', reason: 'The payment ran out of time.' } as const;
  return { type: 'payflow.review.decide.v1', subject: id, data, origin: { tenant, livemode, actor } };
}

function answerTo(
  command: DecideCommand,
  { review, isNew }: Decided,
): { readonly refused?: AnyOutgoing; readonly repeated?: string } {
  if (review?.decisionId === command.id) return isNew ? {} : { repeated: command.id };
  // Nobody waits for an answer to our own word.
  if (command.data.decision === 'expire') return {};
  if (!review) return { refused: refuseDecision(command, 'review_not_found') };
  const { if_version: seen = review.version } = command.data;
  return { refused: refuseDecision(command, seen === review.version ? 'review_not_open' : 'version_differs') };
}

/** A review has its first version until it is decided: what is for another one cannot decide it. */
const OPEN_VERSION = 1;

function isOfOpen({ data: { if_version: seen = OPEN_VERSION } }: DecideCommand): boolean {
  return seen === OPEN_VERSION;
}

function toDeciding({ tenant, livemode, id: decisionId, actor, data }: DecideCommand) {
  const { payment, decision, reason, if_version: ifVersion } = data;
  return { tenant, livemode, payment, decision, decisionId, actor, reason, ifVersion };
}

function paymentKeyOf({ tenant, livemode, data }: DecideCommand): string {
  return keyOf({ tenant, livemode, id: data.payment });
}
