import type { Database } from '@payflow/database';
import type { Basis } from '../database/balance-sums.js';
import { subtreeTotals, totals, type SubtreeTotal, type Total } from '../database/balance-totals.repository.js';
import { completeUntil } from '../database/balance.repository.js';
import { balance } from '../domain/account.js';
import type { Owner } from '../domain/book.js';
import { asOf } from './account-balance.js';

/** What all accounts come to by asset and kind, and that debits equal credits. */
export async function trialBalance(
  db: Database,
  owner: Owner,
  { at, basis }: { readonly at: Date | undefined; readonly basis: Basis },
): Promise<object> {
  const horizon = await completeUntil(db);
  const byKind = await totals(db, owner, at, basis);
  return {
    object: 'trial_balance',
    basis,
    ...asOf(at, horizon),
    data: byKind.map(totalResource),
    totals: byAsset(byKind).map(([asset, of]) => ({
      asset,
      posted_debits: sum(of, 'postedDebits'),
      posted_credits: sum(of, 'postedCredits'),
    })),
  };
}

/** What the account at a path and all below it come to, as they stand: by asset, and within it by kind. */
export async function accountAggregate(db: Database, owner: Owner, path: string): Promise<object> {
  const byKind = await subtreeTotals(db, owner, path);
  return {
    object: 'account_aggregate',
    path,
    data: byAsset(byKind).map(([asset, of]) => ({
      asset,
      accounts: Number(of.reduce((all, { accounts }) => all + accounts, 0n)),
      posted_debits: sum(of, 'postedDebits'),
      posted_credits: sum(of, 'postedCredits'),
      pending_debits: sum(of, 'pendingDebits'),
      pending_credits: sum(of, 'pendingCredits'),
      kinds: of.map(({ pendingDebits, pendingCredits, ...total }) => ({
        ...totalResource(total),
        pending_debits: pendingDebits.toString(),
        pending_credits: pendingCredits.toString(),
      })),
    })),
  };
}

function totalResource({ asset, kind, accounts, postedDebits, postedCredits }: Total) {
  return {
    asset,
    kind,
    accounts: Number(accounts),
    posted_debits: postedDebits.toString(),
    posted_credits: postedCredits.toString(),
    balance: balance({ kind, postedDebits, postedCredits }).toString(),
  };
}

function byAsset<T extends Total>(rows: readonly T[]): [asset: string, rows: T[]][] {
  const assets = [...new Set(rows.map(({ asset }) => asset))];
  return assets.map((asset) => [asset, rows.filter((row) => row.asset === asset)]);
}

type Counter = 'postedDebits' | 'postedCredits' | 'pendingDebits' | 'pendingCredits';

function sum<C extends Counter>(rows: readonly Pick<SubtreeTotal, C>[], counter: C): string {
  return rows.reduce((all, row) => all + row[counter], 0n).toString();
}
