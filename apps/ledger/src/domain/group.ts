import type { Refusal } from '@payflow/contracts';
import { balance, creditable, debitable, type Account } from './account.js';
import { postTransfer, refuse, refusalOfTerms, type Moved, type Movement, type Refused } from './transfer.js';

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
  /** The legs before the first that is refused stay posted, instead of none. */
  readonly stopsOnFirst: boolean;
  /** Whether the time in which it may be posted is over. */
  readonly isLate?: boolean;
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
  /** The leg that was refused, behind those that are posted; undefined where all are. */
  readonly stopped: { readonly leg: number; readonly reason: Refusal } | undefined;
}

export interface GroupRefused {
  readonly kind: 'refused';
  readonly reason: Refusal;
  /** The leg at fault, counted from 0; null where none is. */
  readonly leg: number | null;
}

/** Posts the legs one after another, each seeing the ones before it: all of them or none, or up to the first that is refused. */
export function postGroup(
  terms: GroupTerms,
  books: GroupBooks,
  limits: { readonly accounts_max: number },
  now: string,
): GroupPosted | GroupRefused {
  if (terms.effectiveAt !== null && terms.effectiveAt > now) return refusedAt(null, 'effective_in_future');
  if (terms.isLate) return refusedAt(null, 'command_expired');
  const broken = terms.conditions.map((condition) => refusalOf(condition, books)).find(Boolean);
  if (broken) return refusedAt(null, broken);
  const draft = new Map<string, Account>();
  const ids = new Set<string>();
  const legs: GroupLeg[] = [];
  let stopped: GroupPosted['stopped'];
  for (const [at, leg] of terms.legs.entries()) {
    const decision = ids.has(leg.id) ? refuse('id_reused') : postLeg(leg, draft, books, now);
    if (decision.kind === 'refused') {
      stopped = { leg: at, reason: decision.reason };
      break;
    }
    ids.add(leg.id);
    draft.set(leg.debitAccount, decision.debit).set(leg.creditAccount, decision.credit);
    legs.push({ ...leg, amount: decision.amount });
  }
  if (stopped && (legs.length === 0 || !terms.stopsOnFirst)) return refusedAt(stopped.leg, stopped.reason);
  if (draft.size > limits.accounts_max) return refusedAt(null, 'group_too_large');
  // From here these legs are posted.
  return { kind: 'posted', legs, accounts: draft, stopped };
}

/** Decides one leg on the accounts as the ones before it left them. */
function postLeg(
  leg: GroupLeg,
  draft: ReadonlyMap<string, Account>,
  books: GroupBooks,
  now: string,
): (Moved & { readonly amount: bigint }) | Refused {
  if (books.isTransferIdUsed(leg.id)) return refuse('id_reused');
  const sides = {
    debit: draft.get(leg.debitAccount) ?? books.account(leg.debitAccount),
    credit: draft.get(leg.creditAccount) ?? books.account(leg.creditAccount),
  };
  const amount = leg.upTo ? asMuchAsThereIs(leg.amount, sides.debit, sides.credit) : leg.amount;
  // There is nothing on a closed account either: why that is so is told first, as of any other movement.
  if (leg.upTo && amount <= 0n) return refuse(refusalOfTerms(leg, sides, null, now) ?? 'insufficient_funds');
  const decision = postTransfer({ ...leg, amount, validUntil: null }, sides, now);
  return decision.kind === 'refused' ? decision : { ...decision, amount };
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
