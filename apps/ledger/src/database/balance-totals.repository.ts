import { uuidOf, type AccountKind } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { Owner } from '../domain/book.js';
import { totalsAsOf, type Total } from './account-pages.repository.js';
import type { Basis } from './balance-sums.js';
import { inOneMoment } from './one-moment.js';

export type { Total };

export interface SubtreeTotal extends Total {
  readonly pendingDebits: bigint;
  readonly pendingCredits: bigint;
}

const TOTALS =
  'asset, kind, count(*) as accounts, sum(posted_debits)::text as posted_debits, sum(posted_credits)::text as posted_credits';
const GROUPED = 'group by asset, kind order by asset, kind';

// Now, every account knows its own sums; and by now everything recorded has taken effect.
const NOW = statement(
  'reads.totals-now',
  `select ${TOTALS} from accounts where tenant_id = $1 and livemode = $2 ${GROUPED}`,
);

// In ASCII the semicolon follows the colon: what lies between is the subtree. `like` would not do, its pattern is a parameter.
export const SUBTREE_TOTALS = statement(
  'reads.totals-of-subtree',
  `select ${TOTALS}, sum(pending_debits)::text as pending_debits, sum(pending_credits)::text as pending_credits from accounts
   where tenant_id = $1 and livemode = $2 and path is not null
     and (path = $3 or (path ~>=~ ($3 || ':') and path ~<~ ($3 || ';'))) ${GROUPED}`,
);

interface TotalRow {
  asset: string;
  kind: AccountKind;
  accounts: bigint;
  posted_debits: string;
  posted_credits: string;
}

/** The owner's accounts by asset and kind, as of an instant; undefined: as they stand. */
export async function totals(db: Database, owner: Owner, at: Date | undefined, basis: Basis): Promise<Total[]> {
  if (!at) return (await db.rows<TotalRow>(NOW, keyOf(owner))).map(toTotal);
  return inOneMoment(db, (tx) => totalsAsOf(tx, owner, { at, basis }));
}

/** The account at a path and all below it, by asset and kind, as they stand. */
export async function subtreeTotals(db: Database, owner: Owner, path: string): Promise<SubtreeTotal[]> {
  const rows = await db.rows<TotalRow & { pending_debits: string; pending_credits: string }>(SUBTREE_TOTALS, [
    ...keyOf(owner),
    path,
  ]);
  return rows.map((row) => ({
    ...toTotal(row),
    pendingDebits: BigInt(row.pending_debits),
    pendingCredits: BigInt(row.pending_credits),
  }));
}

function toTotal({ asset, kind, accounts, posted_debits, posted_credits }: TotalRow): Total {
  return { asset, kind, accounts, postedDebits: BigInt(posted_debits), postedCredits: BigInt(posted_credits) };
}

function keyOf({ tenant, livemode }: Owner): unknown[] {
  return [uuidOf('tenant', tenant), livemode];
}
