import type { AccountCounters, AccountKind, AccountSnapshot, AccountState, Overdraft } from '@payflow/contracts';
import { AMOUNT_MAX, formatAmount } from '@payflow/money';

/**
 * An account of one asset. Four counters, minor units: posted is booked and only ever grows, pending is held. What is held
 * counts against what is available, and never for it.
 */
export interface Account {
  readonly id: string;
  readonly asset: string;
  readonly kind: AccountKind;
  readonly state: AccountState;
  readonly overdraft: Overdraft;
  /** How far below zero a `limited` account may fall; zero on all others. */
  readonly overdraftLimit: bigint;
  readonly postedDebits: bigint;
  readonly postedCredits: bigint;
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
  /** +1 per change. */
  readonly version: number;
}

export interface AccountTerms {
  readonly id: string;
  readonly asset: string;
  readonly kind: AccountKind;
  readonly overdraft: Overdraft;
  readonly overdraftLimit: bigint;
}

export function openedAccount(terms: AccountTerms): Account {
  return {
    ...terms,
    state: 'open',
    postedDebits: 0n,
    postedCredits: 0n,
    pendingDebits: 0n,
    pendingCredits: 0n,
    version: 1,
  };
}

/** Assets and expenses grow by debits, the others by credits. */
function growsByDebits({ kind }: Pick<Account, 'kind'>): boolean {
  return kind === 'asset' || kind === 'expense';
}

/** What is booked, on the account's normal side; below zero when it is overdrawn. */
export function balance(account: Pick<Account, 'kind' | 'postedDebits' | 'postedCredits'>): bigint {
  const credits = account.postedCredits - account.postedDebits;
  return growsByDebits(account) ? -credits : credits;
}

/** The balance without what is held on its way out. */
export function available(account: Account): bigint {
  return balance(account) - (growsByDebits(account) ? account.pendingCredits : account.pendingDebits);
}

/** How much a debit may take, or undefined where nothing bounds it. */
export function debitable(account: Account): bigint | undefined {
  return growsByDebits(account) ? undefined : spendable(account);
}

/** How much a credit may take, or undefined where nothing bounds it: only what grows by debits falls by credits. */
export function creditable(account: Account): bigint | undefined {
  return growsByDebits(account) ? spendable(account) : undefined;
}

function spendable(account: Account): bigint | undefined {
  switch (account.overdraft) {
    case 'unbounded':
      return undefined;
    case 'limited':
    case 'none':
      return available(account) + account.overdraftLimit;
    default:
      return account.overdraft satisfies never;
  }
}

export function debited(account: Account, amount: bigint): Account {
  return { ...account, postedDebits: account.postedDebits + amount, version: account.version + 1 };
}

export function credited(account: Account, amount: bigint): Account {
  return { ...account, postedCredits: account.postedCredits + amount, version: account.version + 1 };
}

/** Money set aside on the debited side of a hold; a negative amount gives it back. */
export function debitHeld(account: Account, amount: bigint): Account {
  return { ...account, pendingDebits: account.pendingDebits + amount, version: account.version + 1 };
}

/** Money expected on the credited side of a hold; a negative amount takes it off again. */
export function creditHeld(account: Account, amount: bigint): Account {
  return { ...account, pendingCredits: account.pendingCredits + amount, version: account.version + 1 };
}

/** Whether posted and pending together still fit a counter after `amount` more. */
export function overflows(posted: bigint, pending: bigint, amount: bigint): boolean {
  return posted + pending + amount > AMOUNT_MAX;
}

/** True when nothing is booked on balance and nothing is held. */
export function isEmpty(account: Account): boolean {
  return balance(account) === 0n && account.pendingDebits === 0n && account.pendingCredits === 0n;
}

export function counters(account: Account): AccountCounters {
  return {
    id: account.id,
    posted_debits: formatAmount(account.postedDebits),
    posted_credits: formatAmount(account.postedCredits),
    pending_debits: formatAmount(account.pendingDebits),
    pending_credits: formatAmount(account.pendingCredits),
    version: account.version,
  };
}

export function snapshot(account: Account): AccountSnapshot {
  const { asset, kind, state, overdraft, overdraftLimit } = account;
  return { ...counters(account), asset, kind, state, overdraft, overdraft_limit: formatAmount(overdraftLimit) };
}
