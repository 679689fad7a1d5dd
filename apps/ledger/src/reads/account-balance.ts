import type { Database } from '@payflow/database';
import type { Basis } from '../database/balance-sums.js';
import {
  completeUntil,
  findAccountFacts,
  postedAsOf,
  postedNow,
  type OwnedAccount,
} from '../database/balance.repository.js';
import { balance } from '../domain/account.js';

/** The balance of an account as of an instant, or as it stands. Undefined where there is no such account. */
export async function accountBalance(
  db: Database,
  account: OwnedAccount,
  { at, basis }: { readonly at: Date | undefined; readonly basis: Basis },
): Promise<object | undefined> {
  const horizon = await completeUntil(db);
  const facts = await findAccountFacts(db, account);
  const sums = at ? await postedAsOf(db, account, { basis, at, known: 'infinity' }) : await postedNow(db, account);
  if (!facts || !sums) return undefined;
  return {
    object: 'account_balance',
    account: account.id,
    asset: facts.asset,
    kind: facts.kind,
    basis,
    ...asOf(at, horizon),
    posted_debits: sums.postedDebits.toString(),
    posted_credits: sums.postedCredits.toString(),
    balance: balance({ ...facts, ...sums }).toString(),
  };
}

/** The instant of an answer, and up to when no transaction still open can add to it. */
export function asOf(at: Date | undefined, horizon: Date): { readonly as_of: string; readonly complete_until: string } {
  const instant = at ?? new Date();
  return {
    as_of: instant.toISOString(),
    complete_until: (instant < horizon ? instant : horizon).toISOString(),
  };
}
