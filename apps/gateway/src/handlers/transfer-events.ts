import type { AnyMessage, Message } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import { transferUpdatedReply, transferUpdateRefusedReply } from '../acceptance/replies.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import { applyMetadata, findTransfers } from '../database/transfer-view.repository.js';
import type { TransferView } from '../domain/transfer.js';
import { traceIdOf, writeAnsweredBy, type Answered, type Replies } from './answered.js';

export type TransferEvent = AnyMessage<'payflow.transfer.updated.v1' | 'payflow.transfer.update_rejected.v1'>;
type Updated = Message<'payflow.transfer.updated.v1'>;

/** Brings other metadata of transfers into the views, and answers those who asked for it. */
export async function applyTransferEvents(
  tx: Transaction,
  events: readonly TransferEvent[],
  answered: Answered,
): Promise<Replies> {
  if (events.length === 0) return [];
  await applyMetadata(tx, events.filter((event) => event.type === 'payflow.transfer.updated.v1').map(transferOf));
  const views = await findTransfers(tx, events.filter((event) => writeAnsweredBy(event, answered)).map(resourceOf));
  return events.flatMap((event): Replies => {
    const write = writeAnsweredBy(event, answered);
    const view = views.get(keyOf(resourceOf(event)));
    if (!write || !view) return [];
    if (event.type === 'payflow.transfer.updated.v1')
      // As the change left it, though the view may be further on.
      return [[write, transferUpdatedReply({ ...view, metadata: event.data.metadata })]];
    const traceId = traceIdOf(event) ?? undefined;
    return [[write, transferUpdateRefusedReply(view, event.data.reason, write.requestId, traceId)]];
  });
}

function resourceOf({ tenant, livemode, data: { id } }: TransferEvent): ResourceKey {
  return { tenant, livemode, id };
}

/** The event tells all of the transfer, in case it comes before the one that told of its booking. */
function transferOf(event: Updated): TransferView {
  const { tenant, livemode, data } = event;
  return {
    tenant,
    livemode,
    id: data.id,
    status: 'posted',
    debitAccount: data.debit_account,
    creditAccount: data.credit_account,
    amount: data.amount,
    asset: data.asset,
    // Its place in a group, the group tells.
    group: null,
    position: null,
    payment: data.payment,
    hold: data.hold,
    reverses: data.reverses,
    reversed: '0',
    corrects: data.corrects,
    correctedBy: null,
    type: null,
    rate: null,
    effectiveAt: data.effective_at,
    metadata: data.metadata,
    metadataVersion: data.version,
    failure: null,
    traceId: null,
    version: 1,
    createdAt: data.recorded_at,
    recordedAt: data.recorded_at,
  };
}
