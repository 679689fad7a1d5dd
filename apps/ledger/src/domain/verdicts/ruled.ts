import type { Refusal } from '@payflow/contracts';
import type { Book, Owner } from '../book.js';
import { refusalOfType, type RuledAccount } from '../transaction-type.js';

/** From which account to which. */
interface Sides {
  readonly debit_account: string;
  readonly credit_account: string;
}

/** Why nothing of the type may be moved between the accounts, by the version in force. */
export function refusalOfRule(book: Book, owner: Owner, type: string, sides: Sides): Refusal | undefined {
  const { debit_account, credit_account } = sides;
  return refusalOfType(book.transactionType(owner, type), {
    debit: ruled(book, owner, debit_account),
    credit: ruled(book, owner, credit_account),
  });
}

/** Keeps which version of the type a transfer was held against; returns the version, or undefined where it named no type. */
export function keepType(book: Book, owner: Owner, transfer: string, type: string | undefined): number | undefined {
  const version = type === undefined ? undefined : book.transactionType(owner, type)?.version;
  if (type !== undefined && version !== undefined) book.keepType({ owner, transfer, type, version });
  return version;
}

function ruled(book: Book, owner: Owner, id: string): RuledAccount | undefined {
  const account = book.account(owner, id);
  return account && { kind: account.kind, path: book.details(owner, id)?.path ?? null };
}
