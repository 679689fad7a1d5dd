import type { AnyMessage } from '@payflow/contracts';
import { isSetClock, type SetClock } from '@payflow/messaging';
import { keyOf, type PaymentKey } from '../database/payment.repository.js';
import type { DefineType } from '../limits/definitions.js';
import type { IncreaseCommand } from '../limits/increase.js';
import type { DecideCommand } from '../limits/reviews.js';
import type { WholeCreate } from './creates.js';
import { isDisputeCommand, isOfDispute, type DisputeCommand } from './dispute-commands.js';
import { paymentOf, type Own } from './turns.js';
import { isWish, type WishCommand } from './wishes.js';

type Definition = AnyMessage<DefineType>;
/** Commands about payments, or about what they are held against. */
export type PaymentCommand = WholeCreate | WishCommand | Own | Definition | DecideCommand | DisputeCommand;

/** A batch by what is to be done with its commands: each kind in the order in which they came. */
export interface CommandBatch {
  readonly clocks: SetClock[];
  readonly creates: WholeCreate[];
  readonly definitions: Definition[];
  readonly decisions: DecideCommand[];
  /** What is asked of payments that are there. */
  readonly asked: (WishCommand | Own)[];
  readonly disputes: DisputeCommand[];
  /**
   * Refunds behind a notice of a dispute of the same payment: how much can be given back is known when that has been heard. And what
   * is asked of the payment after them, which has its place behind them.
   */
  readonly afterDisputes: WishCommand[];
}

export function sortOut(commands: readonly (PaymentCommand | SetClock)[]): CommandBatch {
  const batch: CommandBatch = {
    ...{ clocks: [], creates: [], definitions: [], decisions: [], asked: [], disputes: [], afterDisputes: [] },
  };
  const disputed = new Set<string>();
  const waiting = new Set<string>();
  const isToWait = (command: WishCommand) => {
    const key = keyOf(paymentOf(command));
    return waiting.has(key) || (command.type === 'payflow.payment.refund.v1' && disputed.has(key));
  };
  for (const command of commands) {
    if (isSetClock(command)) batch.clocks.push(command);
    else if (isDisputeCommand(command)) {
      batch.disputes.push(command);
      if (isOfDispute(command)) disputed.add(keyOf(paymentOf(command)));
    } else if (disputed.size > 0 && isWish(command) && isToWait(command)) {
      batch.afterDisputes.push(command);
      waiting.add(keyOf(paymentOf(command)));
    } else if (isDefinition(command)) batch.definitions.push(command);
    else if (command.type === 'payflow.payment.create.v1') batch.creates.push(command);
    else if (command.type === 'payflow.review.decide.v1') batch.decisions.push(command);
    else batch.asked.push(command);
  }
  return batch;
}

const DEFINING: ReadonlySet<string> = new Set<DefineType>([
  'payflow.limit.define.v1',
  'payflow.limit.delete.v1',
  'payflow.risk_rule.define.v1',
  'payflow.risk_rule.delete.v1',
]);

/** The payment that a decision is about. */
export function reviewedBy({ tenant, livemode, data }: DecideCommand): PaymentKey {
  return { tenant, livemode, id: data.payment };
}

export function isIncrease(command: WishCommand | Own): command is IncreaseCommand {
  return command.type === 'payflow.payment.increment.v1' || command.type === 'payflow.payment.capture.v1';
}

export function isDefinition<C extends { readonly type: string }>(
  command: C,
): command is C & { readonly type: DefineType } {
  return DEFINING.has(command.type);
}
