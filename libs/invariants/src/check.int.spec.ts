import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AWAKE_S } from './awake.js';
import { CheckLoop } from './check-loop.js';
import { CheckResults } from './check-results.js';
import { checkInvariant, checkInvariants } from './check.js';
import { inParts, part } from './found.js';
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
    invariant({
      name: 'I7',
      owner: 'ledger',
      running: `select null as id where false`,
      full: () => Promise.reject(new TypeError('not a hold id')),
    }),
    check('I3', `select 'accounts/1' as id where false`),
  ]);
  expect(found).toMatchObject([
    { invariant: 'I1', violations: 1, sample: [expect.stringMatching(/^could not be checked: .*json/)] },
    { invariant: 'I2', violations: 1, sample: ['accounts/1'] },
    { invariant: 'I7', violations: 1, sample: ['could not be checked: not a hold id'] },
    { invariant: 'I3', violations: 0, sample: [] },
  ]);
});

it('one in parts names what each of them found, ten in all, and counts the whole', async () => {
  const many = part('spec.many', `select 'a/' || n as id from generate_series(1, $1::integer) as n`);
  const two = part('spec.two', `select 'b/' || n as id from generate_series(1, 2) as n`);
  const parts = invariant({
    name: 'I6',
    owner: 'ledger',
    running: `select null as id where false`,
    full: inParts(
      two,
      (database) => many(database, [3]),
      two,
      (database) => many(database, [25]),
    ),
  });
  const { violations, sample } = await checkInvariant(db.database, parts, 'full');
  expect(violations).toBe(32);
  expect(sample).toEqual(['b/1', 'b/2', 'a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'a/1', 'a/2', 'a/3']);
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
