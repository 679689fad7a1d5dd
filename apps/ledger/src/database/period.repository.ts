import { fromUuid, uuidOf, type PeriodClosed, type PeriodTotal } from '@payflow/contracts';
import { keyset, statement, type Database, type Transaction } from '@payflow/database';
import type { Owner } from '../domain/book.js';
import type { Period } from '../domain/period.js';
import { totalsAsOf } from './account-pages.repository.js';

/** What a row of a period tells; the figures only where they are asked for. */
const FACTS = `json_build_object('ends_at', p.ends_at, 'closing_at', p.closing_at, 'closed', p.event_data)`;

/** Of an owner's periods the named month, or with null the latest; `$at` is where its three parameters begin. */
export const PERIODS = (at: number): string => `
  select p.tenant_id, p.livemode, case when w.month is null then 'latest' else 'period' end, p.month, null,
    case when w.month is not null then ${FACTS} end
  from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::text[]) as w (tenant_id, livemode, month)
  cross join lateral (
    select * from periods p
    where p.tenant_id = w.tenant_id and p.livemode = w.livemode and p.month = coalesce(w.month, (
      select max(month) from periods l where l.tenant_id = w.tenant_id and l.livemode = w.livemode))) as p`;

/** Marks months as closing; another partition may have been first. */
export const INSERT_PERIODS = (at: number): string => `
  insert into periods (tenant_id, livemode, month, after_month, status, ends_at, closing_at)
  select tenant_id, livemode, month, after_month, 'closing', ends_at, closing_at
  from unnest($${at}::uuid[], $${at + 1}::boolean[], $${at + 2}::text[], $${at + 3}::text[], $${at + 4}::timestamptz[],
    $${at + 5}::timestamptz[]) as n (tenant_id, livemode, month, after_month, ends_at, closing_at)
  order by tenant_id, livemode, month
  on conflict do nothing returning 1`;

export interface PeriodFacts {
  readonly ends_at: string;
  readonly closing_at: string;
  /** The data of its event once it is closed. */
  readonly closed: string | null;
}

export function toPeriod(month: string, { ends_at, closing_at, closed }: PeriodFacts): Period {
  if (closed !== null)
    return { month, told: { type: 'payflow.period.closed.v1', data: JSON.parse(closed) as PeriodClosed } };
  const instants = { ends_at: new Date(ends_at).toISOString(), closing_at: new Date(closing_at).toISOString() };
  return { month, told: { type: 'payflow.period.closing.v1', data: { id: month, ...instants, version: 1 } } };
}

// The mark is seen, so it is committed, and this transaction gets its id only then: whoever has a later one sees the mark as well.
// (The end of the snapshot would not do: it is one above the last that ended, and those that are under way may have later ids.)
const SEE = statement(
  'periods.see',
  `update periods set horizon = pg_current_xact_id() where status = 'closing' and horizon is null`,
);

// In order, so that the figures of the month before are there; each in its place, so that some of them can be passed over.
const FIND_SETTLED = statement(
  'periods.find-settled',
  `select p.tenant_id, p.livemode, p.month, p.ends_at, p.closing_at, b.event_data::json ->> 'hash' as hash_before
   from periods p left join periods b on b.tenant_id = p.tenant_id and b.livemode = p.livemode and b.month = p.after_month
   where p.status = 'closing' and p.horizon <= pg_snapshot_xmin(pg_current_snapshot())
     and (p.after_month is null or b.status = 'closed')
   order by p.month, p.tenant_id, p.livemode offset $1 limit 1`,
);

const CLOSE = statement(
  'periods.close',
  `update periods set status = 'closed', event_id = $4, event_data = $5, closed_xact_id = pg_current_xact_id()
   where tenant_id = $1 and livemode = $2 and month = $3 and status = 'closing'`,
);

const LATEST_FIRST = keyset('desc', 'month');
const LIST = statement(
  'reads.periods',
  `select month, ends_at, closing_at, event_data as closed from periods
   where tenant_id = $1 and livemode = $2 and ${LATEST_FIRST.behind(['$3'])} ${LATEST_FIRST.orderBy} limit $4`,
);

const FIND = statement(
  'reads.period',
  `select month, ends_at, closing_at, event_data as closed from periods where tenant_id = $1 and livemode = $2 and month = $3`,
);

/** A month holds up to half a megabyte of figures. */
const MONTHS_MAX = 50;

const CLOSED_BEHIND = statement(
  'periods.closed-behind',
  `select p.tenant_id, p.livemode, p.month, p.ends_at, p.event_data as told, b.event_data::json ->> 'hash' as hash_before
   from periods p left join periods b on b.tenant_id = p.tenant_id and b.livemode = p.livemode and b.month = p.after_month
   where p.status = 'closed' and (p.tenant_id, p.livemode, p.month) > ($1::uuid, $2::boolean, $3)
   order by p.tenant_id, p.livemode, p.month limit ${MONTHS_MAX}`,
);

/** A month that nothing can be added to any more. */
export interface SettledPeriod {
  readonly owner: Owner;
  readonly month: string;
  readonly endsAt: Date;
  readonly closingAt: Date;
  /** Of the month closed before it; null for an owner's first. */
  readonly hashBefore: string | null;
}

/** From now on it is known of every new mark which transactions may have missed it. */
export async function seeMarks(db: Database): Promise<void> {
  await db.count(SEE);
}

/** A closing month of which all transactions that may have missed its mark have ended, behind the first `passedOver` of them. */
export async function findSettled(db: Database, passedOver: number): Promise<SettledPeriod | undefined> {
  const [row] = await db.rows<{
    tenant_id: string;
    livemode: boolean;
    month: string;
    ends_at: Date;
    closing_at: Date;
    hash_before: string | null;
  }>(FIND_SETTLED, [passedOver]);
  return (
    row && {
      owner: { tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode },
      month: row.month,
      endsAt: row.ends_at,
      closingAt: row.closing_at,
      hashBefore: row.hash_before,
    }
  );
}

/**
 * What all accounts came to before the end of the month, by effective time: of what took effect by then nothing changes any more,
 * so that they need not be read in one moment. Nothing is told of nothing.
 */
export async function closingTotals(
  db: Database | Transaction,
  { owner, endsAt }: Pick<SettledPeriod, 'owner' | 'endsAt'>,
  accounts_max?: number,
): Promise<PeriodTotal[]> {
  // Time is kept in milliseconds: before an instant is as of the one before it.
  const at = new Date(endsAt.getTime() - 1);
  const totals = await totalsAsOf(db, owner, { at, basis: 'effective' }, accounts_max);
  return totals
    .filter(({ postedDebits, postedCredits }) => postedDebits > 0n || postedCredits > 0n)
    .map(({ asset, kind, postedDebits, postedCredits }) => ({
      asset,
      kind,
      posted_debits: postedDebits.toString(),
      posted_credits: postedCredits.toString(),
    }));
}

/** Closes a month with its figures. False where another process was first, with the same. */
export async function savePeriod(
  tx: Transaction,
  owner: Owner,
  closed: PeriodClosed,
  eventId: string,
): Promise<boolean> {
  return (await tx.count(CLOSE, [...keyOf(owner), closed.id, uuidOf('event', eventId), JSON.stringify(closed)])) === 1;
}

/** The owner's closed and closing months before one, latest first. */
export async function listPeriods(db: Database, owner: Owner, before: string, limit: number): Promise<Period[]> {
  const rows = await db.rows<PeriodFacts & { month: string }>(LIST, [...keyOf(owner), before, limit]);
  return rows.map((row) => toPeriod(row.month, row));
}

export async function findPeriod(db: Database, owner: Owner, month: string): Promise<Period | undefined> {
  const [row] = await db.rows<PeriodFacts & { month: string }>(FIND, [...keyOf(owner), month]);
  return row && toPeriod(month, row);
}

function keyOf({ tenant, livemode }: Owner): unknown[] {
  return [uuidOf('tenant', tenant), livemode];
}

/** A closed month as it is kept. */
export interface ClosedMonth extends Pick<SettledPeriod, 'owner' | 'month' | 'endsAt' | 'hashBefore'> {
  readonly key: { readonly tenant: string; readonly livemode: boolean };
  /** The data of its event, as it was told. */
  readonly told: string;
}

const BEFORE_ALL = ['00000000-0000-0000-0000-000000000000', false, ''];

/** The next closed months of all owners behind one, in order of their keys: {@link MONTHS_MAX} at most. */
export async function closedMonthsBehind(db: Database, last: ClosedMonth | undefined): Promise<ClosedMonth[]> {
  const rows = await db.rows<{
    tenant_id: string;
    livemode: boolean;
    month: string;
    ends_at: Date;
    told: string;
    hash_before: string | null;
  }>(CLOSED_BEHIND, last ? [last.key.tenant, last.key.livemode, last.month] : BEFORE_ALL);
  return rows.map(({ tenant_id: tenant, livemode, month, ends_at: endsAt, told, hash_before: hashBefore }) => ({
    key: { tenant, livemode },
    owner: { tenant: fromUuid('tenant', tenant), livemode },
    month,
    endsAt,
    hashBefore,
    told,
  }));
}
