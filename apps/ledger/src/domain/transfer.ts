import type { Refusal } from '@payflow/contracts';
import { AMOUNT_MAX } from '@payflow/money';
import { credited, debited, passesFloor, type Account } from './account.js';

/** Money to be moved at once from one account to another. */
export interface Transfer {
  readonly debitAccount: string;
  readonly creditAccount: string;
  /** Minor units of the asset. */
  readonly amount: bigint;
  readonly asset: string;
  /** Instant after which it must not be posted any more (RFC 3339, UTC, ms: these compare as text); null for what gives money back. */
  readonly validUntil: string | null;
}

export type TransferDecision =
  | { readonly kind: 'posted'; readonly debit: Account; readonly credit: Account }
  | { readonly kind: 'refused'; readonly reason: Refusal };

/** Decides one transfer on the accounts as they stand. The first refusal that applies is the answer. */
export function postTransfer(
  transfer: Transfer,
  debit: Account | undefined,
  credit: Account | undefined,
  now: string,
): TransferDecision {
  const { amount, asset, validUntil } = transfer;
  if (amount <= 0n) return refuse('amount_not_positive');
  if (transfer.debitAccount === transfer.creditAccount) return refuse('accounts_identical');
  if (!debit || !credit) return refuse('account_not_found');
  if (debit.asset !== asset || credit.asset !== asset) return refuse('assets_differ');
  if (validUntil !== null && validUntil < now) return refuse('command_expired');
  if (passesFloor(debit, amount)) return refuse('insufficient_funds');
  if (debit.postedDebits + amount > AMOUNT_MAX || credit.postedCredits + amount > AMOUNT_MAX)
    return refuse('balance_overflow');
  // From here the transfer is posted.
  return { kind: 'posted', debit: debited(debit, amount), credit: credited(credit, amount) };
}

function refuse(reason: Refusal): TransferDecision {
  return { kind: 'refused', reason };
}
