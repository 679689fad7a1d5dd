import type { Refusal } from '@payflow/contracts';
import { balance, creditable, debitable, type Account } from './account.js';
import { postTransfer, refuse, type Movement } from './transfer.js';

/** One transfer of a group. */
export interface GroupLeg extends Movement {
  readonly id: string;
  /** Moves what there is, up to the amount, instead of all or nothing. */
  readonly upTo: boolean;
}

/** What must hold of an account before the first leg. */
export interface Condition {
  readonly account: string;
  readonly version: number | null;
  /** Bounds of what is booked, on the account's normal side. */
  readonly balanceGte: bigint | null;
  readonly balanceLte: bigint | null;
}

export interface GroupTerms {
  readonly legs: readonly GroupLeg[];
  readonly conditions: readonly Condition[];
  readonly effectiveAt: string | null;
}

/** What a group needs of the books. */
export interface GroupBooks {
  account(id: string): Account | undefined;
  /** Whether another transfer has the id already. */
  isTransferIdUsed(id: string): boolean;
}

export interface GroupPosted {
  readonly kind: 'posted';
  /** The legs with what they moved. */
  readonly legs: readonly GroupLeg[];
  /** Every account that a leg touched, as the last one left it. */
  readonly accounts: ReadonlyMap<string, Account>;
}

export interface GroupRefused {
  readonly kind: 'refused';
  readonly reason: Refusal;
  /** The leg at fault, counted from 0; null where none is. */
  readonly leg: number | null;
}

/** Posts the legs one after another, each seeing the ones before it, and all of them or none. */
export function postGroup(
  terms: GroupTerms,
  books: GroupBooks,
  limits: { readonly accounts_max: number },
  now: string,
): GroupPosted | GroupRefused {
  if (terms.effectiveAt !== null && terms.effectiveAt > now) return refusedAt(null, 'effective_in_future');
  const broken = terms.conditions.map((condition) => refusalOf(condition, books)).find(Boolean);
  if (broken) return refusedAt(null, broken);
  const draft = new Map<string, Account>();
  const ids = new Set<string>();
  const legs: GroupLeg[] = [];
  for (const [at, leg] of terms.legs.entries()) {
    if (ids.has(leg.id) || books.isTransferIdUsed(leg.id)) return refusedAt(at, 'id_reused');
    ids.add(leg.id);
    const sides = {
      debit: draft.get(leg.debitAccount) ?? books.account(leg.debitAccount),
      credit: draft.get(leg.creditAccount) ?? books.account(leg.creditAccount),
    };
    const amount = leg.upTo ? asMuchAsThereIs(leg.amount, sides.debit, sides.credit) : leg.amount;
    const decision =
      leg.upTo && leg.amount > 0n && amount <= 0n
        ? refuse('insufficient_funds')
        : postTransfer({ ...leg, amount, validUntil: null }, sides, now);
    if (decision.kind === 'refused') return refusedAt(at, decision.reason);
    draft.set(leg.debitAccount, decision.debit).set(leg.creditAccount, decision.credit);
    legs.push({ ...leg, amount });
  }
  if (draft.size > limits.accounts_max) return refusedAt(null, 'group_too_large');
  // From here all legs are posted.
  return { kind: 'posted', legs, accounts: draft };
}

function refusalOf({ account: id, version, balanceGte, balanceLte }: Condition, books: GroupBooks) {
  const account = books.account(id);
  if (!account) return 'account_not_found';
  const isMet =
    (version === null || account.version === version) &&
    (balanceGte === null || balance(account) >= balanceGte) &&
    (balanceLte === null || balance(account) <= balanceLte);
  return isMet ? undefined : 'condition_failed';
}

function asMuchAsThereIs(amount: bigint, debit: Account | undefined, credit: Account | undefined): bigint {
  const bounds = [debit && debitable(debit), credit && creditable(credit)].filter((bound) => bound !== undefined);
  return bounds.reduce((least, bound) => (bound < least ? bound : least), amount);
}

export function refusedAt(leg: number | null, reason: Refusal): GroupRefused {
  return { kind: 'refused', reason, leg };
}
