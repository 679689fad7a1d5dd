import { statement, type Database, type Statement } from '@payflow/database';
import { foundAll, type Part } from '@payflow/invariants';
import { classesOf, ofClass, type ClassOf } from './class-walk.js';
import { historySteps, inStep, STEP_TRANSFERS } from './history-steps.js';
import { inOneMoment, type Reads } from './one-moment.js';

/** Accounts whose sums this process holds at a time, some 100 MB of them; where there are more, history is read once for each so many. */
const ACCOUNTS_MAX = 400_000;
const PAGE_ACCOUNTS = 10_000;

interface Bounds {
  readonly step_transfers: number;
  readonly accounts_max: number;
}
const BOUNDS: Bounds = { step_transfers: STEP_TRANSFERS, accounts_max: ACCOUNTS_MAX };

const COUNT = statement('counters.accounts', 'select count(*)::integer as accounts from accounts');

const MICROSECONDS = (instant: string) => `coalesce((extract(epoch from ${instant}) * 1000000)::bigint, 0)::text`;

const SUMS = statement(
  'counters.sums-of-step',
  `select concat_ws('/', tenant_id, livemode, account_id) as key, sum(debits)::text as debits, sum(credits)::text as credits,
     count(*)::integer as changes, ${MICROSECONDS('max(recorded_at)')} as last from (
     select tenant_id, livemode, debit_account_id as account_id, amount_minor as debits, 0 as credits, recorded_at from transfers t where ${inStep('t')}
     union all
     select tenant_id, livemode, credit_account_id, 0, amount_minor, recorded_at from transfers t where ${inStep('t')}
     union all
     -- A change of its terms counts its version up as well.
     select tenant_id, livemode, typeid_uuid(event_data::json ->> 'id'), 0, 0, null from verdicts v
     where ${inStep('v')} and kind = 'change' and event_type = 'payflow.account.updated.v1') as p
   where ${ofClass('account_id', 3)} group by tenant_id, livemode, account_id`,
);

// All else that does: a hold that is placed on it, and one that is given back.
const HOLDS = statement(
  'counters.holds',
  `select concat_ws('/', tenant_id, livemode, account_id) as key, '0' as debits, '0' as credits, sum(changes)::integer as changes,
     ${MICROSECONDS('max(changed_at)')} as last from (
     select tenant_id, livemode, account_id, case when status in ('voided', 'expired') then 2 else 1 end as changes, changed_at
     from holds cross join lateral (values (debit_account_id), (credit_account_id)) as side (account_id)) as p
   where ${ofClass('account_id', 1)} group by tenant_id, livemode, account_id`,
);

const PAGE = statement(
  'counters.page',
  `select tenant_id, livemode, id, concat_ws('/', tenant_id, livemode, id) as key, posted_debits::text as debits, posted_credits::text as credits,
     version::integer - 1 as changes, ${MICROSECONDS('last_recorded_at')} as last
   from accounts where (tenant_id, livemode, id) > ($1::uuid, $2::boolean, $3::uuid) and ${ofClass('id', 4)}
   order by tenant_id, livemode, id limit ${PAGE_ACCOUNTS}`,
);

interface Sums {
  debits: bigint;
  credits: bigint;
  changes: number;
  /** When the last of them was recorded, in microseconds. */
  last: bigint;
}

interface SumRow extends Record<string, unknown> {
  readonly key: string;
  readonly debits: string;
  readonly credits: string;
  readonly changes: number;
  readonly last: string;
}

type PageRow = SumRow & { readonly tenant_id: string; readonly livemode: boolean; readonly id: string };

const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Accounts whose posted counters are not the sums of their transfers, whose version is not the number of all that was done to them, or
 * that are said to have been changed last before they were, and transfers of accounts that are not there.
 */
export function wrongCounters({ step_transfers, accounts_max }: Bounds = BOUNDS): Part {
  return async (db) => {
    const [row] = await db.rows<{ accounts: number }>(COUNT);
    const wrong: string[] = [];
    for (const of of classesOf(row?.accounts ?? 0, accounts_max))
      wrong.push(...(await wrongOfClass(db, of, step_transfers)));
    return foundAll(wrong);
  };
}

async function wrongOfClass(db: Database, of: ClassOf, step_transfers: number): Promise<string[]> {
  const sums = new Map<string, Sums>();
  for await (const { from, to, isLast } of historySteps(db, step_transfers, 'verdicts')) {
    if (!isLast) {
      await addUp(db, sums, SUMS, [from, to, ...of]);
      continue;
    }
    // What is posted meanwhile is in both, or in none of them.
    return inOneMoment(db, async (tx) => {
      const own = structuredClone(sums);
      await addUp(tx, own, SUMS, [from, to, ...of]);
      await addUp(tx, own, HOLDS, of);
      return differing(tx, own, of);
    });
  }
  return [];
}

async function addUp(db: Reads, sums: Map<string, Sums>, rows: Statement, values: readonly unknown[]): Promise<void> {
  for (const { key, debits, credits, changes, last } of await db.rows<SumRow>(rows, [...values])) {
    const sum = sums.get(key);
    if (sum) {
      sum.debits += BigInt(debits);
      sum.credits += BigInt(credits);
      sum.changes += changes;
      if (BigInt(last) > sum.last) sum.last = BigInt(last);
    } else sums.set(key, { debits: BigInt(debits), credits: BigInt(credits), changes, last: BigInt(last) });
  }
}

const NOTHING: Sums = { debits: 0n, credits: 0n, changes: 0, last: 0n };

async function differing(db: Reads, sums: Map<string, Sums>, of: ClassOf): Promise<string[]> {
  const wrong: string[] = [];
  for (let after = { tenant_id: NOBODY, livemode: false, id: NOBODY }; ;) {
    const page = await db.rows<PageRow>(PAGE, [after.tenant_id, after.livemode, after.id, ...of]);
    for (const { key, id, debits, credits, changes, last } of page) {
      const sum = sums.get(key) ?? NOTHING;
      sums.delete(key);
      if (sum.debits !== BigInt(debits) || sum.credits !== BigInt(credits)) wrong.push(`accounts/${id}`);
      else if (sum.changes !== changes) wrong.push(`accounts/${id} has another version than it was changed`);
      // A change of its terms comes later, and tells no time.
      else if (BigInt(last) < sum.last)
        wrong.push(`accounts/${id} was changed after it is said to have been changed last`);
    }
    const end = page.at(-1);
    if (!end) return [...wrong, ...[...sums.keys()].map((key) => `accounts/${key.split('/').at(-1)}`)];
    after = end;
  }
}
