import type { MessageData, Refusal, TransactionTypeDefine } from '@payflow/contracts';
import type { Book, Owner } from '../book.js';
import { defineType } from '../transaction-type.js';

type Defined = {
  type: 'payflow.transaction_type.defined.v1';
  data: MessageData['payflow.transaction_type.defined.v1'];
};
type Rejected = {
  type: 'payflow.transaction_type.rejected.v1';
  data: MessageData['payflow.transaction_type.rejected.v1'];
};

export function acceptType(book: Book, owner: Owner, data: TransactionTypeDefine): Defined | Rejected {
  const decision = defineType(data, book.transactionType(owner, data.id), book.now);
  if (decision.kind === 'refused') return refuseType(data.id, decision.reason, book.now);
  if (decision.kind === 'defined') book.defineType(owner, decision.type);
  return { type: 'payflow.transaction_type.defined.v1', data: decision.type };
}

export function refuseType(id: string, reason: Refusal, now: string): Rejected {
  return { type: 'payflow.transaction_type.rejected.v1', data: { id, reason, recorded_at: now } };
}
