import type { MessageData, RefusableData, Refusal, TransferPost } from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { snapshot } from '../account.js';
import type { Book, Owner } from '../book.js';
import { postTransfer } from '../transfer.js';

type Posted = { type: 'payflow.transfer.posted.v1'; data: MessageData['payflow.transfer.posted.v1'] };
type Rejected = { type: 'payflow.transfer.rejected.v1'; data: MessageData['payflow.transfer.rejected.v1'] };

/** A payment's transfer: one leg, and nothing more to say about it. */
export function acceptTransfer(book: Book, owner: Owner, data: TransferPost): Posted | Rejected {
  const { id, payment, asset } = data;
  const movement = {
    debitAccount: data.debit_account,
    creditAccount: data.credit_account,
    amount: parseAmount(data.amount) ?? 0n,
    asset,
  };
  const sides = {
    debit: book.account(owner, movement.debitAccount),
    credit: book.account(owner, movement.creditAccount),
  };
  const decision = postTransfer({ ...movement, validUntil: data.valid_until }, sides, book.clock);
  if (decision.kind === 'refused') return refuseTransfer(data, decision.reason, book.now);
  const { debit, credit } = decision;
  book.change(owner, debit, credit);
  book.post({ ...movement, owner, id, payment, group: null, hold: null, reverses: null, effectiveAt: null });
  return {
    type: 'payflow.transfer.posted.v1',
    data: {
      id,
      payment,
      amount: data.amount,
      asset,
      debit_account: snapshot(debit),
      credit_account: snapshot(credit),
      recorded_at: book.now,
    },
  };
}

export function refuseTransfer(
  { id, payment, amount, asset, debit_account, credit_account }: RefusableData['payflow.transfer.post.v1'],
  reason: Refusal,
  now: string,
): Rejected {
  return {
    type: 'payflow.transfer.rejected.v1',
    data: { id, payment, amount, asset, debit_account, credit_account, reason, recorded_at: now },
  };
}
