import { creditable, credited, debitable, debited, overflows, type Account } from './account.js';
import { refusedAt, type GroupBooks, type GroupRefused } from './group.js';
import { refusalOfEffect } from './period.js';
import type { Original } from './reversal.js';
import { refusalOfTerms, type Movement, type Sides } from './transfer.js';
import type { Refusal } from '@payflow/contracts';

export interface CorrectionTerms {
  /** Those of the original, as the command names them. */
  readonly debitAccount: string;
  readonly creditAccount: string;
  /** An amount of null is what is left of the original. */
  readonly replacement: Omit<Movement, 'amount'> & { readonly amount: bigint | null };
  /** When the replacement counts; null: when the original does, or now where that month is closed. */
  readonly effectiveAt: string | null;
  /** The latest month in which nothing takes effect any more. */
  readonly latestMonth: string | undefined;
  /** Whether the original stands otherwise than whoever asks has seen it. */
  readonly hasChanged: boolean;
}

/** A movement, and when it counts. */
export interface Dated extends Movement {
  readonly effectiveAt: string;
}

export interface Corrected {
  readonly kind: 'posted';
  /** Moves back what was left of the original, at the instant for which that was booked; now, where that month is closed. */
  readonly reversal: Dated;
  readonly replacement: Dated;
  /** Every account that one of them touched. */
  readonly accounts: ReadonlyMap<string, Account>;
}

/**
 * Moves a transfer back, as far as that has not been done, and books another in its place. Both are one: what an account must
 * have is only what it loses by the two together. The original stays as it is.
 */
export function correctTransfer(
  terms: CorrectionTerms,
  original: Original | undefined,
  books: Pick<GroupBooks, 'account'>,
  now: string,
): Corrected | GroupRefused {
  if (!original || original.debitAccount !== terms.debitAccount || original.creditAccount !== terms.creditAccount)
    return refusedAt(null, 'transfer_not_found');
  if (terms.hasChanged) return refusedAt(null, 'version_differs');
  if (original.reverses !== null) return refusedAt(null, 'transfer_is_reversal');
  if (original.correctedBy !== null) return refusedAt(null, 'transfer_corrected');
  const left = original.amount - original.reversed;
  if (left <= 0n) return refusedAt(null, 'reversal_exceeds_original');
  if (terms.effectiveAt !== null && terms.effectiveAt > now) return refusedAt(null, 'effective_in_future');
  if (refusalOfEffect(terms.effectiveAt, terms.latestMonth)) return refusedAt(null, 'period_closed');
  const { debitAccount, creditAccount, asset } = original;
  const effectiveAt = refusalOfEffect(original.effectiveAt, terms.latestMonth) ? now : original.effectiveAt;
  const reversal = { debitAccount: creditAccount, creditAccount: debitAccount, amount: left, asset, effectiveAt };
  const amount = terms.replacement.amount ?? left;
  const replacement = { ...terms.replacement, amount, effectiveAt: terms.effectiveAt ?? effectiveAt };
  const accounts = new Map<string, Account>();
  for (const [leg, movement] of [reversal, replacement].entries()) {
    const find = (id: string): Account | undefined => accounts.get(id) ?? books.account(id);
    const sides = { debit: find(movement.debitAccount), credit: find(movement.creditAccount) };
    const reason = refusalOfTerms(movement, sides, null, now) ?? refusalOfCounters(movement, sides);
    if (reason) return refusedAt(leg, reason);
    accounts.set(movement.debitAccount, debited(sides.debit as Account, movement.amount));
    accounts.set(movement.creditAccount, credited(sides.credit as Account, movement.amount));
  }
  if ([...accounts.values()].some(isBelowFloor)) return refusedAt(null, 'insufficient_funds');
  // From here the transfer is corrected.
  return { kind: 'posted', reversal, replacement, accounts };
}

function refusalOfCounters({ amount }: Movement, { debit, credit }: Sides): Refusal | undefined {
  if (!debit || !credit) return undefined;
  const isTooMuch =
    overflows(debit.postedDebits, debit.pendingDebits, amount) ||
    overflows(credit.postedCredits, credit.pendingCredits, amount);
  return isTooMuch ? 'balance_overflow' : undefined;
}

function isBelowFloor(account: Account): boolean {
  const left = debitable(account) ?? creditable(account);
  return left !== undefined && left < 0n;
}
