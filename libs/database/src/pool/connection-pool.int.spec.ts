import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { renderMetrics } from '@payflow/telemetry';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { openDatabase, type Database, type DatabaseOptions } from '../database.js';
import { PoolExhausted, isConnectionLoss } from '../errors.js';
import { statement } from '../statement.js';

const BACKEND = statement('spec.backend', 'select pg_backend_pid() as pid');
const END_MYSELF = statement('spec.end-myself', 'select pg_terminate_backend(pg_backend_pid())');
const SLEEP = statement('spec.sleep', 'select pg_sleep($1)');
const SETTINGS = statement(
  'spec.settings',
  `select current_setting('statement_timeout') as statement, current_setting('idle_in_transaction_session_timeout') as idle`,
);

let tables: TestDatabase;
let db: Database | undefined;
beforeAll(async () => {
  tables = await createTestDatabase('payments', [], 1);
});
afterEach(async () => {
  await db?.close();
  db = undefined;
});
afterAll(() => tables.drop());

const open = async (more: Partial<DatabaseOptions> = {}): Promise<Database> =>
  (db = await openDatabase({ url: tables.url, poolSize: 2, applicationName: 'spec', ...more }));
const backend = async (of: Database): Promise<number> => (await of.rows<{ pid: number }>(BACKEND))[0]?.pid ?? 0;
const terminate = async (pid: number): Promise<void> => {
  const admin = new Client({ connectionString: tables.adminUrl });
  await admin.connect();
  await admin.query('select pg_terminate_backend($1)', [pid]).finally(() => admin.end());
};
const metric = async (line: RegExp): Promise<number> => Number(line.exec((await renderMetrics()).body)?.[1] ?? 0);

it('says in time that no connection is free, and whoever waits less long gets one', async () => {
  const one = await open({ poolSize: 1, acquireTimeout_ms: 300 });
  const long = one.rows(SLEEP, [1]);
  const refused = await one.rows(BACKEND).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(PoolExhausted);
  expect(isConnectionLoss(refused)).toBe(true);
  await long;
  expect(await backend(one)).toBeGreaterThan(0);
});

it('bounds a statement, and a transaction that says nothing', async () => {
  const [settings] = await (await open({ statementTimeout_ms: 3_000 })).rows(SETTINGS);
  expect(settings).toEqual({ statement: '3s', idle: '5s' });
});

it('opens all its connections before they are asked for', async () => {
  const warm = await open({ poolSize: 3 });
  await warm.warmUp();
  expect(warm.pools()).toMatchObject([{ purpose: 'api', total: 3, idle: 3, waiting: 0, max: 3 }]);
});

it('ends a connection when its life is over, used or not, and never in the middle of work', async () => {
  const short = await open({ poolSize: 1, lifetime_ms: 500 });
  const first = await backend(short);
  await short.transaction(async (tx) => {
    const [row] = await tx.rows<{ pid: number }>(BACKEND);
    await delay(700);
    expect(await tx.rows(BACKEND)).toEqual([row]);
  });
  await until('another backend answers', async () => (await backend(short)) !== first);
  await until('the idle one is gone, too', () => short.pools()[0]?.total === 0);
});

it('tells who does not give a connection back, once', async () => {
  const leaky = await open({ leakedAfter_ms: 200 });
  const leaks = /payflow_database_leaked_connections_total\{pool="api"\} (\d+)/;
  const before = await metric(leaks);
  let end: () => void = () => undefined;
  const hanging = leaky.transaction(() => new Promise<void>((resolve) => (end = resolve)));
  await until('it is told', async () => (await metric(leaks)) > before);
  await delay(1_200);
  expect(await metric(leaks)).toBe(before + 1);
  end();
  await hanging;
});

it('lends nobody a connection whose backend has just said that it ends', async () => {
  const one = await open({ poolSize: 1 });
  for (let round = 0; round < 50; round++) {
    await expect(one.rows(END_MYSELF)).rejects.toMatchObject({ code: '57P01' });
    expect(await backend(one)).toBeGreaterThan(0);
  }
});

it('has its connection back when the backend dies, though the work goes on', async () => {
  const one = await open({ poolSize: 1 });
  let end: () => void = () => undefined;
  let tell: (pid: number) => void = () => undefined;
  const begun = new Promise<number>((resolve) => (tell = resolve));
  const hanging = one.transaction(async (tx) => {
    tell((await tx.rows<{ pid: number }>(BACKEND))[0]?.pid ?? 0);
    await new Promise<void>((resolve) => (end = resolve));
    await tx.rows(BACKEND);
  });
  const pid = await begun;
  await terminate(pid);
  expect(await until('another answers', () => backend(one).catch(() => 0))).not.toBe(pid);
  end();
  expect(isConnectionLoss(await hanging.catch((error: unknown) => error))).toBe(true);
  expect(one.pools()).toMatchObject([{ total: 1, idle: 1 }]);
});
