import { onStatement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, openSpecPool, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CheckLoop } from './check-loop.js';
import { CheckResults } from './check-results.js';
import { invariant } from './invariant.js';

configureLogging({ level: 'silent' });

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', []);
});
afterAll(() => db.drop());

it('ends with the statement that runs, and asks nothing more of a check that has long to go', async () => {
  const endless = invariant({
    name: 'I1',
    owner: 'ending',
    advance: 'select pg_sleep(0.2)',
    running: `select 'accounts/1' as id`,
  });
  const results = new CheckResults(['I1']);
  const loop = new CheckLoop(db.database, [endless], results);
  const asked: (string | undefined)[] = [];
  const unwatch = onStatement(({ name }) => {
    asked.push(name);
    if (name === endless.advance?.name) loop.end();
  });
  loop.start();
  await until('the check is under way', () => asked.includes(endless.advance?.name));
  await loop.stop();
  unwatch();
  expect(asked.filter((name) => name === endless.advance?.name)).toHaveLength(1);
  expect(asked).not.toContain(endless.running.name);
  expect(results.list()).toMatchObject([{ invariant: 'I1', checked_at: null, error: null }]);
});

it('comes back soon to what it had no connection for, however long it waited for one', async () => {
  const pool = await openSpecPool(db.url, { poolSize: 1, acquireTimeout_ms: 2_000 });
  const fine = invariant({
    name: 'I1',
    owner: 'waiting',
    running: `select 'accounts/1' as id where false`,
    interval_ms: 500,
  });
  const results = new CheckResults(['I1']);
  const loop = new CheckLoop(pool, [fine], results);
  await pool.transaction(async () => {
    loop.start();
    await until('it had no connection', () => results.list()[0]?.error !== null);
  });
  await until('it is checked', () => results.list()[0]?.checked_at !== null);
  await loop.stop();
  await pool.close();
});
