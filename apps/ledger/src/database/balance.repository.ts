import { uuidOf, type AccountKind } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { Owner } from '../domain/book.js';
import type { Reads } from './one-moment.js';
import { SUMS, sumsAsOf, type Basis } from './balance-sums.js';

/** An account, and whose it is. */
export interface OwnedAccount {
  readonly owner: Owner;
  readonly id: string;
}

/** What never changes of an account, and when it last did otherwise. */
export interface AccountFacts {
  readonly asset: string;
  readonly kind: AccountKind;
  readonly lastRecordedAt: Date;
}

/** All that was booked on an account, minor units. */
export interface PostedSums {
  readonly postedDebits: bigint;
  readonly postedCredits: bigint;
}

/**
 * A transaction reads the clock when it holds a lock, and so has an id; its transfers are recorded no earlier than it began,
 * cut to the millisecond. Those of other roles show no start, and book nothing.
 */
const HORIZON = statement(
  'reads.horizon',
  `select date_trunc('milliseconds', least(statement_timestamp(), min(xact_start))) - interval '1 millisecond' as complete_until
   from pg_stat_activity where datname = current_database() and backend_xid is not null`,
);

const ACCOUNT = 'a.tenant_id = $1 and a.livemode = $2 and a.id = $3';

const FACTS = statement(
  'reads.account-facts',
  `select a.asset, a.kind, a.last_recorded_at from accounts a where ${ACCOUNT}`,
);

const POSTED_NOW = statement(
  'reads.posted-now',
  `select a.posted_debits, a.posted_credits from accounts a where ${ACCOUNT}`,
);

const asOf = (basis: Basis) =>
  statement(
    `reads.balance-${basis}`,
    `select ${SUMS[basis]} from accounts a ${sumsAsOf(basis, '$4::timestamptz', '$5::timestamptz')} where ${ACCOUNT}`,
  );
export const BALANCE_AS_OF = { recorded: asOf('recorded'), effective: asOf('effective') };

/**
 * Up to when nothing more can be recorded: before the oldest transaction still open that may post, which the primary alone can
 * tell. To be read before what it is said of.
 */
export async function completeUntil(db: Database): Promise<Date> {
  const [row] = await db.primary.rows<{ complete_until: Date }>(HORIZON);
  return row?.complete_until ?? new Date(0);
}

export async function findAccountFacts(db: Reads, account: OwnedAccount): Promise<AccountFacts | undefined> {
  const [row] = await db.rows<{ asset: string; kind: AccountKind; last_recorded_at: Date }>(FACTS, keyOf(account));
  return row && { asset: row.asset, kind: row.kind, lastRecordedAt: row.last_recorded_at };
}

/** What is booked on an account as it stands: its counters, which by either basis are the sums of all its transfers (I3). */
export async function postedNow(db: Database, account: OwnedAccount): Promise<PostedSums | undefined> {
  return sumsIn(await db.rows<SumsRow>(POSTED_NOW, keyOf(account)));
}

/** What was booked on an account as of `at`, of what was known by `known`. Undefined where there is no such account. */
export async function postedAsOf(
  db: Reads,
  account: OwnedAccount,
  { basis, at, known }: { readonly basis: Basis; readonly at: Date | 'infinity'; readonly known: Date | 'infinity' },
): Promise<PostedSums | undefined> {
  const values = [...keyOf(account), at, known];
  return sumsIn(await db.rows<SumsRow>(BALANCE_AS_OF[basis], values));
}

interface SumsRow {
  posted_debits: bigint;
  posted_credits: bigint;
}

function sumsIn([row]: readonly SumsRow[]): PostedSums | undefined {
  return row && { postedDebits: row.posted_debits, postedCredits: row.posted_credits };
}

/** The first three parameters of every statement on one account. */
export function keyOf({ owner, id }: OwnedAccount): unknown[] {
  return [uuidOf('tenant', owner.tenant), owner.livemode, uuidOf('account', id)];
}
