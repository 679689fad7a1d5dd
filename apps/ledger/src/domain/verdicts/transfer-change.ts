import type { MessageData, RefusableData, Refusal, TransferUpdate } from '@payflow/contracts';
import { formatAmount } from '@payflow/money';
import type { Asker, Book } from '../book.js';
import { changeTransfer } from '../transfer-change.js';

type Updated = { type: 'payflow.transfer.updated.v1'; data: MessageData['payflow.transfer.updated.v1'] };
type Rejected = {
  type: 'payflow.transfer.update_rejected.v1';
  data: MessageData['payflow.transfer.update_rejected.v1'];
};

export function acceptTransferUpdate(book: Book, asker: Asker, data: TransferUpdate): Updated | Rejected {
  const { id, metadata, if_version: ifVersion } = data;
  const decision = changeTransfer({ debitAccount: data.debit_account, ifVersion }, book.booked(asker, id));
  if (decision.kind === 'refused') return refuseTransferUpdate(data, decision.reason, book.now);
  const { booked } = decision;
  book.keepBooked(asker, id, booked);
  book.tell(asker, { of: 'transfer', id, version: booked.version, metadata });
  return {
    type: 'payflow.transfer.updated.v1',
    data: {
      id,
      debit_account: booked.debitAccount,
      credit_account: booked.creditAccount,
      amount: formatAmount(booked.amount),
      asset: booked.asset,
      payment: booked.payment,
      group: booked.group,
      hold: booked.hold,
      reverses: booked.reverses,
      corrects: booked.corrects,
      effective_at: booked.effectiveAt,
      recorded_at: booked.recordedAt,
      metadata,
      version: booked.version,
      changed_at: book.now,
    },
  };
}

export function refuseTransferUpdate(
  { id, debit_account }: RefusableData['payflow.transfer.update.v1'],
  reason: Refusal,
  now: string,
): Rejected {
  return { type: 'payflow.transfer.update_rejected.v1', data: { id, debit_account, reason, recorded_at: now } };
}
