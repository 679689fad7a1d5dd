import { inParts, invariant, NOTHING_FOUND, part, together, type Part } from '@payflow/invariants';
import { statement } from '@payflow/database';
import { historySteps, inStep, OF_STEP, overHistory, STEP_TRANSFERS } from './history-steps.js';
import { RECENT } from './recent-transfers.js';

/** Transactions from the horizon on have seen the mark of the month: what they recorded may not take effect before its end. */
const effectiveInClosed = (transfers: string) => `
  select 'transfers/' || t.id as id from periods p
  join ${transfers} as t on t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.xact_id >= p.horizon
    and coalesce(t.effective_at, t.recorded_at) < p.ends_at`;

/** Months that nobody takes for closed any more. */
const REOPENED = `
  select 'periods/' || v.tenant_id || '/' || v.month || ' was closed and is gone' as id from (
    select distinct tenant_id, livemode, event_data::json ->> 'id' as month from verdicts v
    where ${inStep('v')} and v.event_type = 'payflow.period.closing.v1') as v
  where not exists (
    select from periods p where p.tenant_id = v.tenant_id and p.livemode = v.livemode and p.month = v.month)`;

/** Whoever has closed months, and until when: what is closed meanwhile is not looked at, and what was is final. */
const CLOSED = statement(
  'periods.closed-until',
  `select tenant_id, livemode, max(ends_at)::text as ends_at from periods where status = 'closed'
   group by tenant_id, livemode order by tenant_id, livemode`,
);

const UNTIL = (first: number) =>
  `unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::timestamptz[]) as o (tenant_id, livemode, ends_at)`;

/** What the transfers of a step come to, by the month in which they took effect. */
const FIGURES = statement(
  'periods.figures-of-step',
  `with moved as (
     select t.*, date_trunc('month', coalesce(t.effective_at, t.recorded_at), 'UTC') as since from ${OF_STEP} as t
     join ${UNTIL(3)} on o.tenant_id = t.tenant_id and o.livemode = t.livemode and coalesce(t.effective_at, t.recorded_at) < o.ends_at)
   select p.tenant_id, p.livemode,
     json_build_object('tenant_id', p.tenant_id, 'livemode', p.livemode, 'asset', a.asset, 'kind', a.kind, 'since', p.since)::text as month,
     sum(p.debits)::text as debits, sum(p.credits)::text as credits
   from (
     select tenant_id, livemode, debit_account_id as account_id, amount_minor as debits, 0 as credits, since from moved
     union all
     select tenant_id, livemode, credit_account_id, 0, amount_minor, since from moved) as p
   join accounts a on a.tenant_id = p.tenant_id and a.livemode = p.livemode and a.id = p.account_id
   group by p.tenant_id, p.livemode, a.asset, a.kind, p.since`,
);

/** Closed months whose figures are not what the transfers that took effect by then come to: `$4` is what each month's came to. */
const wrongFigures = part(
  'ledger.I35.figures',
  `with closed as (
     select p.* from periods p join ${UNTIL(1)} on o.tenant_id = p.tenant_id and o.livemode = p.livemode and p.ends_at <= o.ends_at
     where p.status = 'closed')
   select 'periods/' || tenant_id || '/' || month || ' has other figures than its transfers' as id from (
     select c.tenant_id, c.livemode, c.month, f.asset, f.kind, f.posted_debits, f.posted_credits
     from closed c cross join lateral json_to_recordset(c.event_data::json -> 'totals')
       as f (asset text, kind text, posted_debits numeric, posted_credits numeric)) as told
   full join (
     select c.tenant_id, c.livemode, c.month, m.asset, m.kind, sum(m.debits) as posted_debits, sum(m.credits) as posted_credits
     from closed c join json_to_recordset($4::json)
       as m (tenant_id uuid, livemode boolean, asset text, kind text, since timestamptz, debits numeric, credits numeric)
       on m.tenant_id = c.tenant_id and m.livemode = c.livemode and m.since < c.ends_at
     group by c.tenant_id, c.livemode, c.month, m.asset, m.kind) as found
     using (tenant_id, livemode, month, asset, kind)
   where (told.posted_debits, told.posted_credits) is distinct from (found.posted_debits, found.posted_credits)
   group by tenant_id, livemode, month`,
);

/** Tenants and modes that are compared at a time. */
const OWNERS_AT_ONCE = 200;

interface Owner extends Record<string, unknown> {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly ends_at: string;
}

interface FigureRow extends Omit<Owner, 'ends_at'> {
  readonly month: string;
  readonly debits: string;
  readonly credits: string;
}

interface Figure {
  debits: bigint;
  credits: bigint;
}

/** History is read once, and as much of it is held as the closed months themselves tell. */
export function otherFigures(step_transfers = STEP_TRANSFERS): Part {
  return async (db) => {
    const owners = await db.rows<Owner>(CLOSED);
    if (owners.length === 0) return NOTHING_FOUND;
    const sums = new Map<string, Map<string, Figure>>();
    for await (const { from, to } of historySteps(db, step_transfers))
      for (const row of await db.rows<FigureRow>(FIGURES, [from, to, ...columnsOf(owners)])) addUp(sums, row);
    let found = NOTHING_FOUND;
    for (let at = 0; at < owners.length; at += OWNERS_AT_ONCE) {
      const some = owners.slice(at, at + OWNERS_AT_ONCE);
      found = together(found, await wrongFigures(db, [...columnsOf(some), figuresOf(sums, some)]));
    }
    return found;
  };
}

function addUp(sums: Map<string, Map<string, Figure>>, row: FigureRow): void {
  const months = sums.get(ownerKey(row)) ?? new Map<string, Figure>();
  sums.set(ownerKey(row), months);
  const sum = months.get(row.month) ?? { debits: 0n, credits: 0n };
  months.set(row.month, { debits: sum.debits + BigInt(row.debits), credits: sum.credits + BigInt(row.credits) });
}

function figuresOf(sums: ReadonlyMap<string, ReadonlyMap<string, Figure>>, owners: readonly Owner[]): string {
  const figures = owners.flatMap((owner) => [...(sums.get(ownerKey(owner)) ?? [])]);
  // Sums may be more than a JSON number holds.
  return JSON.stringify(
    figures.map(([month, { debits, credits }]) => ({
      ...(JSON.parse(month) as object),
      debits: String(debits),
      credits: String(credits),
    })),
  );
}

function columnsOf(owners: readonly Owner[]): [string[], boolean[], string[]] {
  return [owners.map((row) => row.tenant_id), owners.map((row) => row.livemode), owners.map((row) => row.ends_at)];
}

function ownerKey({ tenant_id, livemode }: Omit<Owner, 'ends_at'>): string {
  return `${tenant_id}/${livemode}`;
}

export const closedStaysClosed = invariant({
  name: 'I35',
  owner: 'ledger',
  running: effectiveInClosed(RECENT),
  full: inParts(
    overHistory('ledger.I35.step', effectiveInClosed(OF_STEP)),
    otherFigures(),
    overHistory('ledger.I35.reopened', REOPENED, { cutBy: 'verdicts' }),
  ),
});
