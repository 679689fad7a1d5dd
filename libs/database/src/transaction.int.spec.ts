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

it('waits with COMMIT for what is to be checked, and rolls back with its error', async () => {
  await tables.database.transaction(async (tx) => {
    tx.check(tx.count(INSERT, [1]).then(() => undefined));
    tx.atCommit(INSERT, [2]);
    await Promise.resolve();
  });
  expect(await ids()).toEqual([1, 2]);
  const refused = tables.database.transaction(async (tx) => {
    tx.check(
      tx.count(INSERT, [3]).then(() => {
        throw new Error('spec');
      }),
    );
    tx.atCommit(INSERT, [4]);
    await Promise.resolve();
  });
  await expect(refused).rejects.toThrow('spec');
  expect(await ids()).toEqual([1, 2]);
});

it('sends COMMIT behind what can only fail by itself, and fails with that', async () => {
  await tables.database.transaction(async (tx) => {
    tx.expect(tx.count(INSERT, [1]).then(() => undefined));
    tx.atCommit(INSERT, [2]);
    await Promise.resolve();
  });
  expect(await ids()).toEqual([1, 2]);
  const refused = tables.database.transaction(async (tx) => {
    tx.expect(
      tx.count(INSERT, [1]).then(
        () => undefined,
        () => {
          throw new Error('spec');
        },
      ),
    );
    tx.atCommit(INSERT, [3]);
    await Promise.resolve();
  });
  await expect(refused).rejects.toThrow('spec');
  expect(await ids()).toEqual([1, 2]);
});

it('does not wait for a step that comes after all once something has failed', async () => {
  const failed = tables.database.transaction(async (tx) => {
    tx.expect(tx.rows(FAIL, [0]).then(() => undefined));
    tx.afterAll(() => new Promise(() => undefined));
    await Promise.resolve();
  });
  await expect(failed).rejects.toMatchObject({ code: '22012' });
});

it('explains the failure of what goes out with COMMIT as it was told to', async () => {
  const failed = tables.database.transaction(async (tx) => {
    tx.atCommit(FAIL, [0], undefined, () => new Error('spec'));
    await tx.count(INSERT, [1]);
  });
  await expect(failed).rejects.toThrow('spec');
  expect(await ids()).toEqual([]);
});

it('begins what comes after all when all else is sent, and rolls back when that fails', async () => {
  const order: number[] = [];
  await tables.database.transaction(async (tx) => {
    tx.afterAll(async () => {
      for (const { id } of await tx.rows<{ id: number }>(ALL)) order.push(id);
      await tx.count(INSERT, [3]);
    });
    tx.atCommit(INSERT, [2]);
    await tx.count(INSERT, [1]);
  });
  expect(order).toEqual([1, 2]);
  const failed = tables.database.transaction(async (tx) => {
    tx.afterAll(async () => void (await tx.count(INSERT, [3])));
    await tx.count(INSERT, [4]);
  });
  await expect(failed).rejects.toMatchObject({ code: '23505' });
  expect(await ids()).toEqual([1, 2, 3]);
});

it('names the first statement that failed, not those that fail for it', async () => {
  const failed = tables.database.transaction(async (tx) => {
    tx.afterAll(async () => void (await tx.count(INSERT, [2])));
    tx.atCommit(INSERT, [1]);
    await tx.count(INSERT, [1]);
  });
  await expect(failed).rejects.toMatchObject({ code: '23505' });
});

it('names a check that failed, not what the work then failed for', async () => {
  const failed = tables.database.transaction(async (tx) => {
    tx.check(
      tx.rows(FAIL, [0]).then(
        () => undefined,
        () => {
          throw new Error('spec');
        },
      ),
    );
    await tx.count(INSERT, [1]);
  });
  await expect(failed).rejects.toThrow('spec');
});

it('sends nothing any more once it is over: that would be outside of it', async () => {
  let goOn: () => void = () => undefined;
  const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
  let late: Promise<unknown> | undefined;
  const done = tables.database.transaction(async (tx) => {
    tx.afterAll(() => {
      late = mayGoOn.then(() => tx.count(INSERT, [1]));
      return late as Promise<void>;
    });
    tx.check(Promise.reject(new Error('spec')));
    await Promise.resolve();
  });
  await expect(done).rejects.toThrow('spec');
  goOn();
  await expect(late).rejects.toThrow(/had ended/);
  expect(await ids()).toEqual([]);
});

it('tells how it ended, once it has', async () => {
  const ends: boolean[] = [];
  await tables.database.transaction(async (tx) => {
    tx.onEnd((isCommitted) => ends.push(isCommitted));
    await tx.count(INSERT, [1]);
  });
  const undone = tables.database.transaction(async (tx) => {
    tx.onEnd((isCommitted) => ends.push(isCommitted));
    await tx.count(INSERT, [1]);
  });
  await expect(undone).rejects.toMatchObject({ code: '23505' });
  expect(ends).toEqual([true, false]);
});
