import { provisionTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LIMITS } from '../advice/advice.js';
import { SqlMigration } from '../migration.js';
import { MaintenanceRefused, maintain, type MaintainOptions } from './maintain.js';
import { MAINTENANCE_KINDS } from './steps.js';

class Things1764100030930 extends SqlMigration {
  readonly sql = `
create table things (id bigint primary key, name text not null) with (autovacuum_enabled = off);
create table others (id bigint primary key) with (autovacuum_enabled = off);`;
}

/** As soon as there is anything to do. */
const SHORT = { ...LIMITS, changed_rows_min: 1_000, bloat_bytes_min: 64 * 1024 };

describe('maintenance', () => {
  let db: TestDatabase;
  let admin: Client;
  let lines: string[] = [];

  beforeAll(async () => {
    db = await provisionTestDatabase('maintained', [Things1764100030930, {}], 1);
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
  });
  /** Rows that the planner knows nothing of, and an index that is mostly air. */
  beforeEach(async () => {
    lines = [];
    await admin.query('drop schema if exists maintenance cascade');
    await admin.query('truncate things');
    await admin.query(`insert into things select n, 'thing ' || n from generate_series(1, 20000) n`);
    await admin.query('delete from things where id > 2000');
    await admin.query('vacuum (analyze) things');
    await admin.query(`update things set name = name || ' again'; select pg_stat_force_next_flush()`);
  });
  afterAll(async () => {
    await admin.end();
    await db.drop();
  });

  async function as<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
    const client = new Client({ connectionString: url, application_name: 'spec-maintenance' });
    client.on('error', () => undefined);
    await client.connect();
    return work(client).finally(() => client.end().catch(() => undefined));
  }
  const options = (more: Partial<MaintainOptions> = {}): MaintainOptions => ({
    kinds: MAINTENANCE_KINDS,
    all: false,
    dryRun: false,
    rest_ms: 0,
    limits: SHORT,
    tell: (line) => void lines.push(line),
    ...more,
  });
  const run = (more: Partial<MaintainOptions> = {}) =>
    as(db.ownerUrl, async (client) => {
      const { done, failed, left } = await maintain(client, options(more));
      return {
        done: done.map(({ statement }) => statement),
        failed: failed.map(({ step, problem }) => `${step.statement}: ${problem}`),
        left: left.map(({ statement }) => statement),
      };
    });
  const hasProgress = async () =>
    (await admin.query(`select from pg_namespace where nspname = 'maintenance'`)).rowCount === 1;
  const ALL = ['analyze things', 'vacuum (analyze) things', 'reindex index concurrently things_pkey'];

  it('shows what it would do, and does nothing', async () => {
    expect(await run({ dryRun: true })).toEqual({ done: [], failed: [], left: ALL });
    expect(await hasProgress()).toBe(false);
    expect((await run({ dryRun: true })).left).toEqual(ALL);
  });

  it('does it as the owner, and then there is nothing to do', async () => {
    const before = await admin.query<{ size: string }>(`select pg_relation_size('things_pkey') as size`);
    expect(await run()).toEqual({ done: ALL, failed: [], left: [] });
    expect(lines).toEqual(ALL);
    const after = await admin.query<{ size: string }>(`select pg_relation_size('things_pkey') as size`);
    expect(Number(after.rows[0]?.size) * 2).toBeLessThan(Number(before.rows[0]?.size));
    await until('the counts are in', async () => (await run({ dryRun: true })).left.length === 0);
  });

  it('does only what was asked for', async () => {
    expect((await run({ kinds: ['analyze'] })).done).toEqual(['analyze things']);
  });

  it('is refused to the service’s own role', async () => {
    await expect(as(db.url, (client) => maintain(client, options()))).rejects.toThrow(/does not own the tables/);
    expect(await hasProgress()).toBe(false);
  });

  it('runs once at a time in a database', async () => {
    await as(db.ownerUrl, async (client) => {
      await client.query('select pg_advisory_lock(1764100030)');
      await expect(run()).rejects.toThrow(MaintenanceRefused);
      expect((await run({ dryRun: true })).left).toEqual(ALL);
    });
  });

  it('begins nothing outside of its window, and goes on in the next', async () => {
    const hour = new Date().getUTCHours();
    const closed = { from_min: ((hour + 2) % 24) * 60, to_min: ((hour + 3) % 24) * 60 };
    expect(await run({ window: closed })).toEqual({ done: [], failed: [], left: ALL });
    expect(await run({ window: { from_min: hour * 60, to_min: ((hour + 2) % 24) * 60 } })).toMatchObject({ done: ALL });
    expect(lines[0]).toBe('going on where the last run was broken off: 3 steps are left');
  });

  it('leaves a table to whoever holds it, and does the rest', async () => {
    await admin.query('begin; lock table things in share update exclusive mode');
    const all = run({ all: true, kinds: ['analyze'] });
    const { done, failed } = await all.finally(() => admin.query('rollback'));
    expect(done).toEqual(['analyze others', 'analyze schema_migrations']);
    expect(failed).toEqual(['analyze things: canceling statement due to lock timeout (55P03)']);
  });

  it('gives up the dropping of an index that was left half built while somebody holds its table, as any other step', async () => {
    await admin.query('create index things_pkey_ccnew on things (id)');
    await admin.query(`update pg_index set indisvalid = false where indexrelid = 'things_pkey_ccnew'::regclass`);
    await as(db.adminUrl, async (holder) => {
      await holder.query('begin; select count(*) from things');
      const { failed } = await run({ kinds: ['reindex'] });
      expect(failed).toEqual([`${ALL[2]}: canceling statement due to lock timeout (55P03)`]);
      await holder.query('rollback');
    });
    expect((await run({ kinds: ['reindex'] })).done).toEqual([ALL[2]]);
    expect((await admin.query(`select from pg_class where relname = 'things_pkey_ccnew'`)).rowCount).toBe(0);
  });

  it('goes on where it was broken off, and drops the index that was left half built', async () => {
    const halfBuilt = async () =>
      (await admin.query<{ name: string }>(`select relname as name from pg_class where relname like 'things_pkey_cc%'`))
        .rows;
    // An open transaction with a snapshot holds the building of an index up.
    await as(db.adminUrl, async (holder) => {
      await holder.query('begin; select count(*) from things');
      const broken = run();
      broken.catch(() => undefined);
      await until('the index is being built', async () => (await halfBuilt()).length > 0);
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'spec-maintenance' and query like 'reindex%'`,
      );
      await expect(broken).rejects.toThrow();
      await holder.query('rollback');
    });
    expect(await halfBuilt()).not.toEqual([]);
    expect((await run()).done).toEqual([ALL[2]]);
    expect(await halfBuilt()).toEqual([]);
    expect(lines).toEqual([...ALL.slice(0, 2), 'going on where the last run was broken off: 1 steps are left', ALL[2]]);
  });
});
