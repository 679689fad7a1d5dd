import {
  LIMITS,
  SqlMigration,
  dropProvisioned,
  provisionDatabase,
  runMigrations,
  suggest,
  type ProvisionedDatabase,
} from '@payflow/database';
import { testServers, uniqueSuffix } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { tryOutOnCopy } from './database-copy.js';

class Things1764100030920 extends SqlMigration {
  readonly sql = `create table things (id bigint primary key, name text not null);
    insert into things select n, 'thing ' || n from generate_series(1, 50000) n;`;
}

const FIND = 'select id from things where name = $1';

describe('trying an index out on a copy', () => {
  // Without the pool of a test database: nobody may be connected to what is copied.
  const prefix = `test_${uniqueSuffix()}`;
  let db: ProvisionedDatabase;
  let client: Client;

  beforeAll(async () => {
    const passwords = { migrator: 'migrator', service: 'service', reader: 'reader' };
    db = await provisionDatabase(testServers().postgres, 'copied', passwords, prefix);
    await runMigrations(db.ownerUrl, [Things1764100030920, {}]);
    client = new Client({ connectionString: db.url });
    await client.connect();
  });
  afterEach(() => vi.unstubAllEnvs());
  afterAll(async () => {
    await client.end();
    await dropProvisioned(testServers().postgres, `${prefix}_copied`);
  });

  const copies = async () =>
    (await client.query(`select datname from pg_database where datname like current_database() || '_copy%'`)).rows;

  it('proves it, and leaves no copy behind; while somebody is connected it says so', async () => {
    vi.stubEnv('POSTGRES_URL', testServers().postgres);
    for (let at = 0; at < 25; at++) await client.query(FIND, [`thing ${at}`]);
    const { advices } = await suggest(client, LIMITS);
    expect(advices.map(({ subject }) => subject)).toEqual(['things (name)']);
    await expect(tryOutOnCopy(db.url, advices)).rejects.toThrow(/cannot be copied while somebody is connected to it/);
    await client.end();
    const proven = await tryOutOnCopy(db.url, advices);
    expect(proven[0]?.gain).toMatch(/tried out, the planner's cost falls/);
    client = new Client({ connectionString: db.url });
    await client.connect();
    expect(await copies()).toEqual([]);
    expect((await client.query(`select from pg_class where relname = 'payflow_candidate'`)).rowCount).toBe(0);
  });

  it('needs the URL of a role that may copy', async () => {
    vi.stubEnv('POSTGRES_URL', '');
    const { advices } = await suggest(client, { ...LIMITS, calls_min: 1 });
    await expect(tryOutOnCopy(db.url, advices)).rejects.toThrow(/POSTGRES_URL is not set/);
  });
});
