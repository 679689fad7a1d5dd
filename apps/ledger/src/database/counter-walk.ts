import { statement, type Database, type Statement } from '@payflow/database';
import { foundAll, type Part } from '@payflow/invariants';
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

/** Of accounts in as many classes as a power of two, those of one: `$first` is the mask, and the next the class. */
const ofClass = (id: string, first: number) => `(uuid_hash(${id}) & $${first}::integer) = $${first + 1}::integer`;

const COUNT = statement('counters.accounts', 'select count(*)::integer as accounts from accounts');

const SUMS = statement(
  'counters.sums-of-step',
  `select concat_ws('/', tenant_id, livemode, account_id) as key, sum(debits)::text as debits, sum(credits)::text as credits,
     count(*)::integer as changes from (
     select tenant_id, livemode, debit_account_id as account_id, amount_minor as debits, 0 as credits from transfers t where ${inStep('t')}
     union all
     select tenant_id, livemode, credit_account_id, 0, amount_minor from transfers t where ${inStep('t')}) as p
   where ${ofClass('account_id', 3)} group by tenant_id, livemode, account_id`,
);

// All else that counts an account's version up: a hold that is placed on it, one that is given back, a change of its terms.
const CHANGES = statement(
  'counters.other-changes',
  `select concat_ws('/', tenant_id, livemode, account_id) as key, '0' as debits, '0' as credits, sum(changes)::integer as changes from (
     select tenant_id, livemode, account_id, case when status in ('voided', 'expired') then 2 else 1 end as changes
     from holds cross join lateral (values (debit_account_id), (credit_account_id)) as side (account_id)
     union all
     select tenant_id, livemode, typeid_uuid(event_data::json ->> 'id'), 1 from verdicts
     where kind = 'change' and event_type = 'payflow.account.updated.v1') as p
   where ${ofClass('account_id', 1)} group by tenant_id, livemode, account_id`,
);

const PAGE = statement(
  'counters.page',
  `select tenant_id, livemode, id, concat_ws('/', tenant_id, livemode, id) as key, posted_debits::text as debits, posted_credits::text as credits,
     version::integer - 1 as changes
   from accounts where (tenant_id, livemode, id) > ($1::uuid, $2::boolean, $3::uuid) and ${ofClass('id', 4)}
   order by tenant_id, livemode, id limit ${PAGE_ACCOUNTS}`,
);

interface Sums {
  debits: bigint;
  credits: bigint;
  changes: number;
}

interface SumRow extends Record<string, unknown> {
  readonly key: string;
  readonly debits: string;
  readonly credits: string;
  readonly changes: number;
}

type PageRow = SumRow & { readonly tenant_id: string; readonly livemode: boolean; readonly id: string };

const NOBODY = '00000000-0000-0000-0000-000000000000';

/**
 * Accounts whose posted counters are not the sums of their transfers, or whose version is not the number of all that was done to them,
 * and transfers of accounts that are not there.
 */
export function wrongCounters({ step_transfers, accounts_max }: Bounds = BOUNDS): Part {
  return async (db) => {
    const [row] = await db.rows<{ accounts: number }>(COUNT);
    const classes = 2 ** Math.ceil(Math.log2(Math.max(1, (row?.accounts ?? 0) / accounts_max)));
    const wrong: string[] = [];
    for (let nth = 0; nth < classes; nth++) wrong.push(...(await wrongOfClass(db, [classes - 1, nth], step_transfers)));
    return foundAll(wrong);
  };
}

async function wrongOfClass(
  db: Database,
  of: readonly [mask: number, nth: number],
  step_transfers: number,
): Promise<string[]> {
  const sums = new Map<string, Sums>();
  for await (const { from, to, isLast } of historySteps(db, step_transfers)) {
    if (!isLast) {
      await addUp(db, sums, SUMS, [from, to, ...of]);
      continue;
    }
    // What is posted meanwhile is in both, or in none of them.
    return inOneMoment(db, async (tx) => {
      await addUp(tx, sums, SUMS, [from, to, ...of]);
      await addUp(tx, sums, CHANGES, of);
      return differing(tx, sums, of);
    });
  }
  return [];
}

async function addUp(db: Reads, sums: Map<string, Sums>, rows: Statement, values: readonly unknown[]): Promise<void> {
  for (const { key, debits, credits, changes } of await db.rows<SumRow>(rows, [...values])) {
    const sum = sums.get(key);
    if (sum) {
      sum.debits += BigInt(debits);
      sum.credits += BigInt(credits);
      sum.changes += changes;
    } else sums.set(key, { debits: BigInt(debits), credits: BigInt(credits), changes });
  }
}

const NOTHING: Sums = { debits: 0n, credits: 0n, changes: 0 };

async function differing(db: Reads, sums: Map<string, Sums>, of: readonly [number, number]): Promise<string[]> {
  const wrong: string[] = [];
  for (let after = { tenant_id: NOBODY, livemode: false, id: NOBODY }; ;) {
    const page = await db.rows<PageRow>(PAGE, [after.tenant_id, after.livemode, after.id, ...of]);
    for (const { key, id, debits, credits, changes } of page) {
      const sum = sums.get(key) ?? NOTHING;
      sums.delete(key);
      if (sum.debits !== BigInt(debits) || sum.credits !== BigInt(credits)) wrong.push(`accounts/${id}`);
      else if (sum.changes !== changes) wrong.push(`accounts/${id} has another version than it was changed`);
    }
    const last = page.at(-1);
    if (!last) return [...wrong, ...[...sums.keys()].map((key) => `accounts/${key.split('/').at(-1)}`)];
    after = last;
  }
}
