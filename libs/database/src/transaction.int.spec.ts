import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { OutcomeUnknown, RunAgain } from './errors.js';
import { SqlMigration } from './migration.js';
import { statement } from './statement.js';
import type { Transaction } from './transaction.js';

class Things1763700003000 extends SqlMigration {
  readonly sql = 'create table things (id integer primary key);';
}

const INSERT = statement('spec.insert', 'insert into things values ($1)');
const FAIL = statement('spec.fail', 'select 1 / $1::integer');
const ALL = statement('spec.all', 'select id from things order by id');
const CLEAR = statement('spec.clear', 'delete from things');
const END_MYSELF = statement('spec.end-myself', 'select pg_terminate_backend(pg_backend_pid())');

let tables: TestDatabase;
beforeAll(async () => {
  // One connection: what a transaction leaves behind on it is met by the next.
  tables = await createTestDatabase('payments', [Things1763700003000, { things: { delete: true } }], 1);
});
afterAll(() => tables.drop());
beforeEach(() => tables.database.count(CLEAR));

const ids = async () => (await tables.database.rows<{ id: number }>(ALL)).map(({ id }) => id);

it('commits what the work and its last statements wrote', async () => {
  await tables.database.transaction(async (tx) => {
    tx.atCommit(INSERT, [2]);
    await tx.count(INSERT, [1]);
  });
  expect(await ids()).toEqual([1, 2]);
});

it.each<[string, (tx: Transaction) => Promise<void>]>([
  ['rejects', async (tx) => void (await tx.count(INSERT, [1]), await Promise.reject(new Error('spec')))],
  [
    'throws before it returns a promise',
    () => {
      throw new Error('spec');
    },
  ],
])('rolls back when the work %s, and the connection serves on', async (_, work) => {
  await expect(tables.database.transaction(work)).rejects.toThrow('spec');
  expect(await ids()).toEqual([]);
});

it('throws the error of a statement that went out with COMMIT, and nothing is committed', async () => {
  const done = tables.database.transaction(async (tx) => {
    await tx.count(INSERT, [1]);
    tx.atCommit(INSERT, [1]);
  });
  await expect(done).rejects.toMatchObject({ code: '23505' });
  expect(await ids()).toEqual([]);
});

it('does not take COMMIT for done after an error that the work swallowed', async () => {
  const done = tables.database.transaction(async (tx) => {
    await tx.count(INSERT, [1]);
    await tx.rows(FAIL, [0]).catch(() => undefined);
  });
  await expect(done).rejects.toThrow(/aborted/);
  expect(await ids()).toEqual([]);
});

it('runs the work again after a lost race, from the start', async () => {
  let runs = 0;
  await tables.database.transaction(async (tx) => {
    await tx.count(INSERT, [++runs]);
    tx.atCommit(INSERT, [10 + runs]);
    if (runs < 3) throw new RunAgain('spec');
  });
  expect(await ids()).toEqual([3, 13]);
});

it('calls the outcome unknown when the connection dies with COMMIT on its way', async () => {
  const done = tables.database.transaction(async (tx) => {
    await tx.count(INSERT, [1]);
    tx.atCommit(END_MYSELF);
  });
  await expect(done).rejects.toBeInstanceOf(OutcomeUnknown);
  expect(await ids()).toEqual([]);
});

it("survives a backend that dies inside the work: the error is the work's own, the next transaction has another connection", async () => {
  const done = tables.database.transaction(async (tx) => {
    await tx.rows(END_MYSELF);
  });
  await expect(done).rejects.toMatchObject({ code: '57P01' });
  expect(await ids()).toEqual([]);
});
