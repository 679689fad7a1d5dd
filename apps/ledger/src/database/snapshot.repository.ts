import { statement, type Database } from '@payflow/database';
import { rowsInIndexOrder } from './index-order.js';

/** Transfers whose accounts one step looks at: well within a second. */
const STEP_TRANSFERS = 100_000;
/** Accounts per statement, and the transfers of one account that a statement adds up. */
const ACCOUNTS_MAX = 50;
const TRANSFERS_MAX = 10_000;

// Only transactions that have ended for certain lie below the span's upper end: none of their accounts is missed.
const SPAN = statement(
  'snapshots.span',
  `select span.lower_bound::text, span.upper_bound::text, span.upper_bound < pg_snapshot_xmin(pg_current_snapshot()) as more
   from (select h.horizon as lower_bound, least(pg_snapshot_xmin(pg_current_snapshot()),
     (select xact_id from transfers t where t.xact_id >= h.horizon order by xact_id offset ${STEP_TRANSFERS} limit 1)) as upper_bound
     from snapshot_horizon h) as span`,
);

const LATEST = `left join lateral (
  select * from balance_snapshots b where b.tenant_id = a.tenant_id and b.livemode = a.livemode and b.account_id = a.id
  order by b.recorded_at desc limit 1) as s on true`;

// A version per change, held money among them: never fewer than transfers.
const DUE = statement(
  'snapshots.due',
  `with touched as (
     select tenant_id, livemode, debit_account_id as id from transfers where xact_id >= $1::xid8 and xact_id < $2::xid8
     union
     select tenant_id, livemode, credit_account_id from transfers where xact_id >= $1::xid8 and xact_id < $2::xid8)
   select a.tenant_id, a.livemode, a.id from touched join accounts a using (tenant_id, livemode, id) ${LATEST}
   where a.version - coalesce(s.account_version, 0) > $3::bigint`,
);

const SINCE = (side: 'debit' | 'credit', amounts: string) => `(
  select t.recorded_at, ${amounts} from transfers t
  where t.tenant_id = d.tenant_id and t.livemode = d.livemode and t.${side}_account_id = d.id
    and t.recorded_at > d.since and t.recorded_at < d.last_recorded_at
  order by t.recorded_at fetch first ${TRANSFERS_MAX} rows with ties)`;

/**
 * An account's transfers are recorded one after another under its lock, by a clock that never goes back on it. So all that is
 * older than its last change is final, without asking who is still at work; what was recorded at that very instant is not yet.
 */
export const ADD_SNAPSHOTS = statement(
  'snapshots.add',
  `with due as materialized (
     select a.tenant_id, a.livemode, a.id, a.version, a.last_recorded_at, coalesce(s.recorded_at, '-infinity') as since,
       coalesce(s.posted_debits, 0) as posted_debits, coalesce(s.posted_credits, 0) as posted_credits
     from unnest($1::uuid[], $2::boolean[], $3::uuid[]) as n (tenant_id, livemode, id) join accounts a using (tenant_id, livemode, id)
     ${LATEST}),
   instants as (
     select d.tenant_id, d.livemode, d.id, p.recorded_at, sum(p.debits) as debits, sum(p.credits) as credits, count(*) as transfers
     from due d cross join lateral (
       select * from (${SINCE('debit', 't.amount_minor as debits, 0 as credits')} union all ${SINCE('credit', '0, t.amount_minor')}) as both_sides
       order by recorded_at fetch first ${TRANSFERS_MAX} rows with ties) as p
     group by d.tenant_id, d.livemode, d.id, p.recorded_at),
   running as (
     select tenant_id, livemode, id, recorded_at, transfers, sum(debits) over so_far as debits, sum(credits) over so_far as credits,
       (sum(transfers) over so_far)::bigint as nth, lead(recorded_at) over so_far is null as is_last
     from instants window so_far as (partition by tenant_id, livemode, id order by recorded_at)),
   added as (
     insert into balance_snapshots (tenant_id, livemode, account_id, recorded_at, posted_debits, posted_credits, account_version)
     select tenant_id, livemode, id, r.recorded_at, d.posted_debits + r.debits, d.posted_credits + r.credits, d.version
     from running r join due d using (tenant_id, livemode, id)
     where r.is_last or r.nth / $4::bigint <> (r.nth - r.transfers) / $4::bigint
     on conflict do nothing)
   select tenant_id, livemode, id from running where is_last and nth >= ${TRANSFERS_MAX}`,
);

const ADVANCE = statement(
  'snapshots.advance',
  'update snapshot_horizon set horizon = greatest(horizon, $1::xid8) where horizon < $1::xid8',
);

interface AccountRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
}

/**
 * Looks at the accounts of the transfers since the last step, and adds a snapshot for every `every` transfers of those that
 * have changed more often than that. Returns whether there is more to look at. Safe in several processes at once, and to
 * break off: a snapshot that is there already is the same.
 */
export async function addSnapshots(db: Database, every: number): Promise<boolean> {
  const [span] = await db.rows<{ lower_bound: string; upper_bound: string; more: boolean }>(SPAN);
  if (!span) return false;
  const due = await db.rows<AccountRow>(DUE, [span.lower_bound, span.upper_bound, every]);
  for (let at = 0; at < due.length; at += ACCOUNTS_MAX) {
    let unfinished = due.slice(at, at + ACCOUNTS_MAX);
    while (unfinished.length > 0)
      unfinished = await rowsInIndexOrder<AccountRow>(db, ADD_SNAPSHOTS, [...columns(unfinished), every]);
  }
  await db.count(ADVANCE, [span.upper_bound]);
  return span.more;
}

function columns(rows: readonly AccountRow[]): unknown[] {
  return [rows.map((row) => row.tenant_id), rows.map((row) => row.livemode), rows.map((row) => row.id)];
}
