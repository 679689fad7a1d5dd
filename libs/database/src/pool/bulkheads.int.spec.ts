import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase, type Database } from '../database.js';
import { PoolExhausted } from '../errors.js';
import { statement } from '../statement.js';

const SLEEP = statement('spec.sleep', 'select pg_sleep($1)');
const NAME = statement('spec.name', `select current_setting('application_name') as name`);
const SHARES = { api: 2, consumers: 1, relay: 1, reports: 1 };

let tables: TestDatabase;
let db: Database;
beforeAll(async () => {
  tables = await createTestDatabase('payments', [], 1);
  db = await openDatabase({ url: tables.url, poolSize: 5, applicationName: 'spec', shares: SHARES });
});
afterAll(async () => {
  await db.close();
  await tables.drop();
});

it('gives each purpose connections of its own, told apart in the server', async () => {
  const names = await Promise.all(
    (['api', 'consumers', 'relay', 'reports'] as const).map(async (of) => (await db.for(of).rows(NAME))[0]?.['name']),
  );
  expect(names).toEqual(['spec', 'spec:consumers', 'spec:relay', 'spec:reports']);
  expect(db.for('reports').for('api').pools()).toEqual(db.pools());
});

it('opens as many as were asked for, and no more', async () => {
  await db.warmUp();
  expect(db.pools().map(({ purpose, total, max }) => [purpose, total, max])).toEqual([
    ['api', 2, 2],
    ['consumers', 1, 1],
    ['relay', 1, 1],
    ['reports', 1, 1],
  ]);
});

it('lets a storm of one purpose take nothing from another', async () => {
  const storm = Array.from({ length: 100 }, () => db.rows(SLEEP, [0.2]).catch((error: unknown) => error));
  await until('requests wait', () => db.pools()[0]?.waiting);
  for (const of of ['consumers', 'relay', 'reports'] as const) {
    expect(await db.for(of).rows(NAME)).toHaveLength(1);
    expect(db.pools()[0]?.waiting).toBeGreaterThan(0);
  }
  const ends = await Promise.all(storm);
  // Two connections, a fifth of a second each, for 0.8 s: some are served, the rest are refused, and nobody waits for ever.
  expect(ends.some((end) => end instanceof PoolExhausted)).toBe(true);
  expect(ends.every((end) => Array.isArray(end) || end instanceof PoolExhausted)).toBe(true);
  expect(db.pools()[0]).toMatchObject({ waiting: 0, idle: 2, total: 2 });
});

it('lends connections to a pool that is waited for, as many as there are, and takes them back', async () => {
  const lending = await openDatabase({
    url: tables.url,
    poolSize: 5,
    overflow: 3,
    applicationName: 'lending',
    shares: SHARES,
  });
  const reports = lending.for('reports');
  const sizes = () => Object.fromEntries(lending.pools().map(({ purpose, max }) => [purpose, max]));
  let isOver = false;
  const waiting = Array.from({ length: 12 }, async () => {
    while (!isOver) await reports.rows(SLEEP, [0.05]).catch(() => undefined);
  });
  await until('all are lent', () => sizes()['reports'] === 4);
  await until('they are used', () =>
    lending.pools().some(({ purpose, total }) => purpose === 'reports' && total === 4),
  );
  expect(sizes()).toEqual({ api: 2, consumers: 1, relay: 1, reports: 4 });
  expect(lending.pools().reduce((sum, { total }) => sum + total, 0)).toBeLessThanOrEqual(8);
  isOver = true;
  await Promise.all(waiting);
  // Now another is waited for: what is not needed goes there.
  isOver = false;
  const others = Array.from({ length: 12 }, async () => {
    while (!isOver) await lending.rows(SLEEP, [0.05]).catch(() => undefined);
  });
  await until('the other has them', () => (sizes()['api'] ?? 0) > 2);
  expect(sizes()['reports']).toBeLessThan(4);
  isOver = true;
  await Promise.all(others);
  await lending.close();
});

it('shares one pool where there are too few for all', async () => {
  const small = await openDatabase({ url: tables.url, poolSize: 2, applicationName: 'small', shares: SHARES });
  expect((await small.for('reports').rows(NAME))[0]).toEqual({ name: 'small' });
  expect(small.pools()).toHaveLength(1);
  await small.close();
});
