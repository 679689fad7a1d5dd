import type { AnyMessage } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { typeRefusedReply, typeReply } from '../acceptance/replies.js';
import { applyTypes } from '../database/transaction-type-view.repository.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type TypeEvent = AnyMessage<'payflow.transaction_type.defined.v1' | 'payflow.transaction_type.rejected.v1'>;

/** Brings transaction types into the view, and answers those who defined one. */
export async function applyTypeEvents(
  tx: Transaction,
  events: readonly TypeEvent[],
  answered: Answered,
): Promise<Replies> {
  const defined = events.filter((event) => event.type === 'payflow.transaction_type.defined.v1');
  await applyTypes(
    tx,
    defined.map(({ tenant, livemode, data: type }) => ({ tenant, livemode, type })),
  );
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    if (!write) return [];
    const reply =
      event.type === 'payflow.transaction_type.defined.v1'
        ? typeReply(event.data)
        : typeRefusedReply(event.data.reason, write.requestId, traceIdOf(event) ?? undefined);
    return [[write, reply]];
  });
}
