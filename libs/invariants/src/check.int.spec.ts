import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AWAKE_S } from './awake.js';
import { CheckLoop } from './check-loop.js';
import { CheckResults } from './check-results.js';
import { checkInvariant, checkInvariants } from './check.js';
import { invariant } from './invariant.js';

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('ledger', []);
});
afterAll(() => db.drop());

const check = (name: 'I1' | 'I2' | 'I3' | 'I4', sql: string) =>
  invariant({ name, owner: 'ledger', running: sql, full: sql });

it('one that cannot be carried out is broken, says why, and keeps no other from being run', async () => {
  const found = await checkInvariants(db.database, [
    check('I1', `select id::json ->> 'id' as id from (values ('{')) as damaged (id)`),
    check('I2', `select 'accounts/1' as id`),
    check('I3', `select 'accounts/1' as id where false`),
  ]);
  expect(found).toMatchObject([
    { invariant: 'I1', violations: 1, sample: [expect.stringMatching(/^could not be checked: .*json/)] },
    { invariant: 'I2', violations: 1, sample: ['accounts/1'] },
    { invariant: 'I3', violations: 0, sample: [] },
  ]);
});

it('a database that is not there is no finding', async () => {
  const gone = await createTestDatabase('ledger', []);
  await gone.drop();
  await expect(checkInvariants(gone.database, [check('I4', `select 'accounts/1' as id`)])).rejects.toThrow();
});

it('one that runs is told for how long its process has been looking, and no other', async () => {
  const awake = invariant({ name: 'I5', owner: 'ledger', interval_ms: 1, running: `select ${AWAKE_S} as id` });
  expect((await checkInvariant(db.database, awake, 'running', { awake_s: 90.5 })).sample).toEqual(['90.5']);
  expect((await checkInvariant(db.database, awake, 'running')).sample).toEqual(['0']);
  expect((await checkInvariant(db.database, awake, 'full')).sample).toEqual(['0']);
  const results = new CheckResults(['I5']);
  const loop = new CheckLoop(db.database, [awake], results);
  loop.start();
  await until('the loop tells that it has looked before', () => Number(results.list()[0]?.sample[0]) > 0);
  await loop.stop();
});
