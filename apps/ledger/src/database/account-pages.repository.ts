import { uuidOf, type AccountKind } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { Owner } from '../domain/book.js';
import { BASES, SUMS, sumsAsOf, type Basis } from './balance-sums.js';

/** What many accounts of one asset and kind come to. Sums over accounts may pass what one counter can hold. */
export interface Total {
  readonly asset: string;
  readonly kind: AccountKind;
  /** Of the past: those that were open by then, or to which something was backdated. */
  readonly accounts: bigint;
  readonly postedDebits: bigint;
  readonly postedCredits: bigint;
}

/** Accounts that one statement adds up: a second or two, however many there are. */
const ACCOUNTS_MAX = 10_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

const PAGE = Object.fromEntries(
  BASES.map((basis) => [
    basis,
    statement(
      `reads.page-of-totals-${basis}`,
      `with page as materialized (
         select * from accounts where tenant_id = $1 and livemode = $2 and id > $4 order by id limit $5)
       select asset, kind, count(*) filter (where created_at <= $3::timestamptz or greatest(posted_debits, posted_credits) > 0) as accounts,
         sum(posted_debits)::text as posted_debits, sum(posted_credits)::text as posted_credits,
         (select id from page order by id desc limit 1) as last
       from (select a.asset, a.kind, a.created_at, ${SUMS[basis]} from page a ${sumsAsOf(basis, '$3::timestamptz', "'infinity'::timestamptz")}) as each
       group by asset, kind`,
    ),
  ]),
) as Record<Basis, ReturnType<typeof statement>>;

interface PageRow {
  asset: string;
  kind: AccountKind;
  accounts: bigint;
  posted_debits: string;
  posted_credits: string;
  /** The last account that was added up. */
  last: string;
}

/**
 * What the owner's accounts came to as of an instant, by asset and kind; of what was opened later nothing is told. Reads each
 * account once, some at a time, so that no statement grows with their number. Pages are of one moment only in a transaction that
 * keeps to one.
 */
export async function totalsAsOf(
  db: Database | Transaction,
  owner: Owner,
  { at, basis }: { readonly at: Date; readonly basis: Basis },
  accounts_max = ACCOUNTS_MAX,
): Promise<Total[]> {
  const sums = new Map<string, Total>();
  for (let after: string | undefined = BEFORE_ALL; after !== undefined;) {
    const values = [uuidOf('tenant', owner.tenant), owner.livemode, at, after, accounts_max];
    const rows: readonly PageRow[] = await db.rows<PageRow>(PAGE[basis], values);
    for (const row of rows) {
      const key = `${row.asset} ${row.kind}`;
      sums.set(key, added(sums.get(key), row));
    }
    after = rows[0]?.last;
  }
  return [...sums]
    .filter(([, { accounts }]) => accounts > 0n)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, total]) => total);
}

function added(sum: Total | undefined, { asset, kind, accounts, posted_debits, posted_credits }: PageRow): Total {
  return {
    asset,
    kind,
    accounts: (sum?.accounts ?? 0n) + accounts,
    postedDebits: (sum?.postedDebits ?? 0n) + BigInt(posted_debits),
    postedCredits: (sum?.postedCredits ?? 0n) + BigInt(posted_credits),
  };
}
