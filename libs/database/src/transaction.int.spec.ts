import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Client } from 'pg';
import { isConnectionLoss, isDeterministic, sqlState } from './errors.js';
import { SqlMigration } from './migration.js';
import { statement } from './statement.js';

class Rows1763700000000 extends SqlMigration {
  readonly sql = 'create table rows (id integer primary key)';
}

const INSERT = statement('spec.insert', 'insert into rows values ($1)');
const COUNT = statement('spec.count', 'select count(*)::integer as count from rows');
const TERMINATE =
  'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';

describe('a transaction', () => {
  let db: TestDatabase;

  beforeAll(async () => {
    db = await createTestDatabase('rows', [Rows1763700000000]);
  });
  afterAll(() => db.drop());

  const count = async () => (await db.database.rows<{ count: number }>(COUNT))[0]?.count;

  it('commits what was kept for the end with the rest', async () => {
    await db.database.transaction(async (tx) => {
      await tx.rows(INSERT, [1]);
      tx.atCommit(INSERT, [2]);
    });
    expect(await count()).toBe(2);
  });

  it('throws the error of a statement sent with COMMIT, and keeps nothing', async () => {
    const failing = db.database.transaction(async (tx) => {
      await tx.rows(INSERT, [3]);
      tx.atCommit(INSERT, [1]);
    });
    await expect(failing).rejects.toSatisfy((error) => sqlState(error) === '23505' && isDeterministic(error));
    expect(await count()).toBe(2);
  });

  it('throws when an error inside was swallowed', async () => {
    const swallowing = db.database.transaction(async (tx) => {
      await tx.rows(INSERT, [1]).catch(() => undefined);
    });
    await expect(swallowing).rejects.toThrow('aborted before COMMIT');
  });

  it('survives a backend that was terminated inside it, and writes nothing outside', async () => {
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    const interrupted = db.database.transaction(async (tx) => {
      await tx.rows(INSERT, [4]);
      await admin.query(TERMINATE);
      await tx.rows(INSERT, [5]);
    });
    await expect(interrupted).rejects.toSatisfy(isConnectionLoss);
    await admin.end();
    expect(await count()).toBe(2);
  });

  it('leaves the pool whole after fifty failures at once', async () => {
    const failures = Array.from({ length: 50 }, () => db.database.transaction((tx) => tx.rows(INSERT, [1])));
    const outcomes = await Promise.allSettled(failures);
    expect(outcomes.every(({ status }) => status === 'rejected')).toBe(true);
    expect(db.database.pool()).toMatchObject({ waiting: 0 });
    expect(await count()).toBe(2);
  });
});
