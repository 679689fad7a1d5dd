import type { AccountSnapshot, Overdraft } from '@payflow/contracts';
import { formatAmount } from '@payflow/money';

/**
 * An account of one asset. Four counters, minor units, only ever growing but for released holds:
 * posted is booked, pending is held. Balance = posted credits − posted debits.
 */
export interface Account {
  readonly id: string;
  readonly asset: string;
  readonly overdraft: Overdraft;
  readonly postedDebits: bigint;
  readonly postedCredits: bigint;
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
  /** +1 per transfer. */
  readonly version: number;
}

export function openedAccount(id: string, asset: string, overdraft: Overdraft): Account {
  return {
    id,
    asset,
    overdraft,
    postedDebits: 0n,
    postedCredits: 0n,
    pendingDebits: 0n,
    pendingCredits: 0n,
    version: 1,
  };
}

/** What may still be debited: money that is held is not available. */
export function available(account: Account): bigint {
  return account.postedCredits - account.postedDebits - account.pendingDebits;
}

/** True when a debit of the amount would take the account past its floor. */
export function passesFloor(account: Account, amount: bigint): boolean {
  switch (account.overdraft) {
    case 'unbounded':
      return false;
    case 'none':
      return available(account) < amount;
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

export function snapshot(account: Account): AccountSnapshot {
  return {
    id: account.id,
    asset: account.asset,
    overdraft: account.overdraft,
    posted_debits: formatAmount(account.postedDebits),
    posted_credits: formatAmount(account.postedCredits),
    pending_debits: formatAmount(account.pendingDebits),
    pending_credits: formatAmount(account.pendingCredits),
    version: account.version,
  };
}
