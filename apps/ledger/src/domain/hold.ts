import type { HeldType, HoldStatus, Refusal } from '@payflow/contracts';
import { creditHeld, credited, debitHeld, debited, type Account } from './account.js';
import { refusalOfFunds, refusalOfTerms, refuse, type Movement, type Refused, type Sides } from './transfer.js';

/**
 * Money set aside:
 *
 * ```
 * pending ──post, part, more to follow──▶ pending
 *    ├──post of the rest, or the last part──▶ posted
 *    ├──void──▶ voided
 *    └──its time is over──▶ expired
 * ```
 *
 * The last three are never left. What was posted stays posted in all of them.
 */
export interface Hold extends Movement {
  readonly id: string;
  readonly payment: string | null;
  readonly status: HoldStatus;
  /** How much of the amount has been posted. */
  readonly posted: bigint;
  /** RFC 3339, UTC, ms; null where nothing ends it by itself. */
  readonly expiresAt: string | null;
  /** +1 per change. */
  readonly version: number;
  /** The transaction type that it keeps to, and its postings with it. */
  readonly type: HeldType | null;
  /** When that is by the ledger's clock, where a test clock that is ahead judges it: earlier by so much. */
  readonly endsAt?: string;
  /** Since when it is so: what is told of it again says the same. */
  readonly changedAt?: string;
}

export interface HoldChanged {
  readonly kind: 'changed';
  readonly hold: Hold;
  readonly debit: Account;
  readonly credit: Account;
}

export type HoldDecision = HoldChanged | Refused;

/** What a new hold asks for. */
export interface HoldTerms extends Movement {
  readonly id: string;
  readonly payment: string | null;
  readonly expiresAt: string | null;
  readonly validUntil: string | null;
  readonly type: HeldType | null;
}

/** Sets money aside as if it were moved: what cannot be transferred cannot be held. */
export function placeHold(terms: HoldTerms, { debit, credit }: Sides, now: string): HoldDecision {
  const reason = refusalOfTerms(terms, { debit, credit }, terms.validUntil, now);
  if (reason) return refuse(reason);
  if (isOver(terms, now)) return refuse('hold_expired');
  const [from, to] = [debit as Account, credit as Account];
  const short = refusalOfFunds(from, to, terms.amount);
  if (short) return refuse(short);
  // From here the money is held.
  const { id, payment, debitAccount, creditAccount, amount, asset, expiresAt, type } = terms;
  const facts = { id, payment, debitAccount, creditAccount, amount, asset, expiresAt, type };
  return {
    kind: 'changed',
    hold: { ...facts, status: 'pending', posted: 0n, version: 1 },
    debit: debitHeld(from, amount),
    credit: creditHeld(to, amount),
  };
}

/** Which hold an operation means, and between which accounts it says that it lies. */
export interface HoldClaim {
  readonly debitAccount: string;
  readonly creditAccount: string;
  /** The version that whoever asks has seen; undefined: any. */
  readonly ifVersion: number | undefined;
}

export interface Posting extends HoldClaim {
  /** Null posts all that is left. */
  readonly amount: bigint | null;
  readonly final: boolean;
}

/** Books held money. The funds were checked when they were held; only what may have changed since then is looked at. */
export function postHold(
  posting: Posting,
  hold: Hold | undefined,
  { debit, credit }: Sides,
  now: string,
): HoldDecision {
  const reason = refusalOfClaim(posting, hold);
  if (reason) return refuse(reason);
  const [held, from, to] = [hold as Hold, debit as Account, credit as Account];
  const amount = posting.amount ?? remaining(held);
  if (isOver(held, now)) return refuse('hold_expired');
  if (amount <= 0n) return refuse('amount_not_positive');
  if (amount > remaining(held)) return refuse('hold_exceeded');
  if (from.state === 'frozen' || from.state === 'debits_frozen' || to.state === 'frozen')
    return refuse('account_frozen');
  // From here the money is posted.
  const status = posting.final || amount === remaining(held) ? 'posted' : 'pending';
  const released = status === 'posted' ? remaining(held) : amount;
  return {
    kind: 'changed',
    hold: { ...held, status, posted: held.posted + amount, version: held.version + 1 },
    debit: { ...debited(from, amount), pendingDebits: from.pendingDebits - released },
    credit: { ...credited(to, amount), pendingCredits: to.pendingCredits - released },
  };
}

/** Gives back what is still held: because somebody asked, or because its time is over. A frozen account may be given back to. */
export function voidHold(
  claim: HoldClaim & { readonly expired: boolean },
  hold: Hold | undefined,
  { debit, credit }: Sides,
  now: string,
): HoldDecision {
  const reason = refusalOfClaim(claim, hold);
  if (reason) return refuse(reason);
  const [held, from, to] = [hold as Hold, debit as Account, credit as Account];
  if (claim.expired && !isOver(held, now)) return refuse('hold_not_expired');
  // From here the money is available again.
  return {
    kind: 'changed',
    hold: { ...held, status: claim.expired ? 'expired' : 'voided', version: held.version + 1 },
    debit: debitHeld(from, -remaining(held)),
    credit: creditHeld(to, -remaining(held)),
  };
}

/**
 * Payments alone ends its own holds. Where its database was set back it asks again, by another command, for what it has had: the
 * money is given back, and nothing more is to be done.
 */
export function isGivenBack(claim: HoldClaim & { readonly expired: boolean }, hold: Hold | undefined): hold is Hold {
  const { debitAccount, creditAccount, ifVersion, expired } = claim;
  return (
    hold?.status === 'voided' &&
    hold.payment !== null &&
    hold.debitAccount === debitAccount &&
    hold.creditAccount === creditAccount &&
    ifVersion === undefined &&
    !expired
  );
}

export function remaining({ amount, posted }: Hold): bigint {
  return amount - posted;
}

function refusalOfClaim(
  { debitAccount, creditAccount, ifVersion }: HoldClaim,
  hold: Hold | undefined,
): Refusal | undefined {
  if (!hold || hold.debitAccount !== debitAccount || hold.creditAccount !== creditAccount) return 'hold_not_found';
  if (ifVersion !== undefined && ifVersion !== hold.version) return 'version_differs';
  return hold.status === 'pending' ? undefined : 'hold_not_pending';
}

function isOver({ expiresAt, endsAt = '' }: Pick<Hold, 'expiresAt' | 'endsAt'>, now: string): boolean {
  return expiresAt !== null && (endsAt || expiresAt) <= now;
}
