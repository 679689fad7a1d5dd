import type { Refusal } from '@payflow/contracts';
import { creditable, credited, debitable, debited, overflows, type Account } from './account.js';

/** Money to be moved, or set aside to be moved, from one account to another. */
export interface Movement {
  readonly debitAccount: string;
  readonly creditAccount: string;
  /** Minor units of the asset. */
  readonly amount: bigint;
  readonly asset: string;
}

/** Money to be moved at once. */
export interface Transfer extends Movement {
  /** Instant after which it must not be posted any more (RFC 3339, UTC, ms: these compare as text); null for what gives money back. */
  readonly validUntil: string | null;
}

export interface Moved {
  readonly kind: 'posted';
  readonly debit: Account;
  readonly credit: Account;
}

export interface Refused {
  readonly kind: 'refused';
  readonly reason: Refusal;
}

export type TransferDecision = Moved | Refused;

/** Both accounts of a movement, as far as they are known. */
export interface Sides {
  readonly debit: Account | undefined;
  readonly credit: Account | undefined;
}

/** Decides one transfer on the accounts as they stand. The first refusal that applies is the answer. */
export function postTransfer(transfer: Transfer, { debit, credit }: Sides, now: string): TransferDecision {
  const reason = refusalOfTerms(transfer, { debit, credit }, transfer.validUntil, now);
  if (reason) return refuse(reason);
  const [from, to] = [debit as Account, credit as Account];
  const short = refusalOfFunds(from, to, transfer.amount);
  if (short) return refuse(short);
  // From here the transfer is posted.
  return { kind: 'posted', debit: debited(from, transfer.amount), credit: credited(to, transfer.amount) };
}

/** What is wrong with a movement whatever its accounts hold, in the order in which it is told. */
export function refusalOfTerms(
  { amount, asset, debitAccount, creditAccount }: Movement,
  { debit, credit }: Sides,
  validUntil: string | null,
  now: string,
): Refusal | undefined {
  if (amount <= 0n) return 'amount_not_positive';
  if (debitAccount === creditAccount) return 'accounts_identical';
  if (!debit || !credit) return 'account_not_found';
  if (debit.asset !== asset || credit.asset !== asset) return 'assets_differ';
  if (debit.state === 'closed' || credit.state === 'closed') return 'account_closed';
  if (debit.state !== 'open' || credit.state === 'frozen') return 'account_frozen';
  if (validUntil !== null && validUntil < now) return 'command_expired';
  return undefined;
}

/** What the accounts do not have, or cannot hold. */
export function refusalOfFunds(debit: Account, credit: Account, amount: bigint): Refusal | undefined {
  if (isMore(amount, debitable(debit)) || isMore(amount, creditable(credit))) return 'insufficient_funds';
  if (overflows(debit.postedDebits, debit.pendingDebits, amount)) return 'balance_overflow';
  if (overflows(credit.postedCredits, credit.pendingCredits, amount)) return 'balance_overflow';
  return undefined;
}

function isMore(amount: bigint, bound: bigint | undefined): boolean {
  return bound !== undefined && amount > bound;
}

export function refuse(reason: Refusal): Refused {
  return { kind: 'refused', reason };
}
