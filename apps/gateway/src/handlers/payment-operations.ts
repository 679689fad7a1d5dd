import type { Transaction } from '@payflow/database';
import { operationReply } from '../acceptance/payment-replies.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { endOperations, viewOf, type EndedOperation } from '../database/operation-view.repository.js';
import { findPayments } from '../database/payment-view.repository.js';
import { takeAnswered } from '../database/reply.repository.js';
import { paymentAt, type PaymentView } from '../domain/payment.js';
import { traceIdOf, type Replies } from './answered.js';
import { paymentKeyOf, stateOf, type OperationEvent } from './payment-states.js';

/**
 * Brings the ends of operations into the views, and renders the replies of those who asked, each with the payment as the
 * operation left it. `changed`: the payments that the same batch has moved. A batch without such an end costs nothing.
 */
export async function applyOperations(
  tx: Transaction,
  events: readonly OperationEvent[],
  changed: ReadonlyMap<string, PaymentView>,
): Promise<Replies> {
  if (events.length === 0) return [];
  const others = events
    .map(stateOf)
    .map(paymentKeyOf)
    .filter((key) => !changed.has(keyOf(key)));
  const [ended, answered, behind] = await Promise.all([
    endOperations(tx, events.map(toEnded)),
    takeAnswered(tx, events.map(commandKeyOf)),
    // Of these an event that stands later was applied before.
    findPayments(tx, others),
  ]);
  return events.flatMap((event): Replies => {
    const write = answered.get(keyOf(commandKeyOf(event)));
    const key = keyOf(paymentKeyOf(stateOf(event)));
    const payment = changed.get(key) ?? behind.get(key);
    if (!write || !payment) return [];
    const operation = ended.get(keyOf(operationKeyOf(event))) ?? viewOf(toEnded(event));
    return [[write, operationReply(operation, paymentAt(payment, event.data.payment), write.requestId)]];
  });
}

function toEnded(event: OperationEvent): EndedOperation {
  const { tenant, livemode, data } = event;
  return { tenant, livemode, data, traceId: traceIdOf(event) };
}

function operationKeyOf({ tenant, livemode, data: { id } }: OperationEvent): ResourceKey {
  return { tenant, livemode, id };
}

/** The command that an event ends: it names it, for what came last before the end may be an answer of somebody else. */
function commandKeyOf({ tenant, livemode, data: { command } }: OperationEvent): ResourceKey {
  return { tenant, livemode, id: command };
}
