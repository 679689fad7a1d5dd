import { uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { Client as Postgres } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openStage, type Stage } from '../../testing/stage.js';

const NDJSON = { accept: 'application/x-ndjson' };
const BULK = '/api/v1/transfers/bulk';
/** More than a page of any export, and no whole number of them. */
const ROWS = 1_203;
/** As often as the page is lost: each time it is asked for once more. */
const LOSSES = 3;

const SEED_PAYMENTS = statement(
  'spec.seed-payments-to-lose',
  `insert into payment_views (tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor,
     asset, source_account_id, destination_account_id, method, metadata, created_at, updated_at)
   select $1::uuid, false, gen_random_uuid(), 'succeeded', 1, n, n, 0, 'USD', gen_random_uuid(), gen_random_uuid(), '{"type":"internal"}',
     '{}', date_trunc('milliseconds', now()) - n * interval '1 second', now() from generate_series(1, $2::integer) n`,
);
const SEED_TYPES = statement(
  'spec.seed-types-to-lose',
  `insert into transaction_type_views (tenant_id, livemode, name, version, defined_at)
   select $1::uuid, false, 'type_' || n, 1, now() from generate_series(1, $2::integer) n`,
);
/** What reads for exports, and waits for a lock. */
const READING = `select pid from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock' and application_name like '%:reports'`;
const WAITS = `select from pg_stat_activity where pid = $1 and wait_event_type = 'Lock'`;

let stage: Stage;
let bulk: string;
/** Two, because a lock that is asked for behind a read is had right after it. */
let [one, other, looking]: Postgres[] = [];
beforeAll(async () => {
  stage = await openStage();
  const tenant = uuidOf('tenant', stage.client.tenant);
  await stage.db.count(SEED_PAYMENTS, [tenant, ROWS]);
  await stage.db.count(SEED_TYPES, [tenant, ROWS]);
  const [debit_account, credit_account] = [await stage.client.open(), await stage.client.open()];
  const transfers = Array.from({ length: ROWS }, () => ({ debit_account, credit_account, amount: '1', asset: 'USD' }));
  const { body } = await stage.client.post(BULK, { mode: 'independent', transfers }, { prefer: 'wait=10' });
  bulk = String(body['id']);
  const connected = async (): Promise<Postgres> => {
    const client = new Postgres({ connectionString: stage.adminUrl });
    await client.connect();
    return client;
  };
  [one, other, looking] = [await connected(), await connected(), await connected()];
});
afterAll(async () => {
  for (const client of [one, other, looking]) await client?.end();
  await stage?.close();
});

const lock = (table: string) => `begin; lock table ${table} in access exclusive mode`;
const reading = async (): Promise<number | undefined> => (await looking?.query<{ pid: number }>(READING))?.rows[0]?.pid;
const pidOf = async (client: Postgres | undefined): Promise<number | undefined> =>
  (await client?.query<{ pid: number }>('select pg_backend_pid() as pid'))?.rows[0]?.pid;

/** Lets the first page of what is being read pass, and ends the connection that reads the second, again and again. */
async function loseSecondPage(table: string): Promise<void> {
  await until('the first page waits', reading);
  const pid = await pidOf(other);
  const next = other?.query(lock(table));
  await until('the lock is asked for behind it', async () => (await looking?.query(WAITS, [pid]))?.rowCount);
  await one?.query('commit');
  await next;
  for (let lost = 0; lost < LOSSES; lost++) {
    const reader = await until('the second page waits', reading);
    await looking?.query('select pg_terminate_backend($1, 5000)', [reader]);
  }
}

it.each([
  ['payments', () => '/api/v1/payments', 'payment_views'],
  ['results of a bulk', () => `${BULK}/${bulk}/results`, 'transfer_bulk_views'],
  ['transaction types', () => '/api/v1/transaction_types', 'transaction_type_views'],
])('%s that are carried away go on when connections are lost between two pages', async (_what, path, table) => {
  await one?.query(lock(table));
  const carried = stage.client.get(path(), NDJSON);
  try {
    await Promise.race([loseSecondPage(table), carried]);
  } finally {
    await Promise.all([one?.query('rollback'), other?.query('rollback')]);
  }
  const { status, text } = await carried;
  const ids = text
    .trim()
    .split('\n')
    .map((line) => (JSON.parse(line) as { id: string }).id);
  expect([status, ids.length, new Set(ids).size]).toEqual([200, ROWS, ROWS]);
});
