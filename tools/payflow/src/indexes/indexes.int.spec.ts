import { SERVICES } from '@payflow/contracts';
import { EVERY_TENANT } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { OWNER } from './index-use.js';
import { execute } from './plan.js';
import { INDEXES, SHARED_INDEXES } from './registry.js';
import { seedTables } from './seeding.js';

/** Enough that reading all of a table is dear; `npm run bench -- indexes` looks at a million. */
const ROWS = 50_000;

/** The shared tables are looked at once, in the database that has nothing else. */
const registryFor = (service: (typeof SERVICES)[number]) =>
  service === 'monitoring' ? SHARED_INDEXES : INDEXES[service];

describe.each(SERVICES)('the indexes of %s', (service) => {
  const { uses, seeds } = registryFor(service);
  let db: TestDatabase;
  let admin: Client;
  beforeAll(async () => {
    db = await createTestDatabase(service, MIGRATIONS[service], 1);
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    await admin.query('select ensure_partitions(2)');
    await seedTables(admin, seeds, ROWS);
  });
  afterAll(async () => {
    await admin?.end();
    await db?.drop();
  });

  it('are each needed by a query, and no other is there', async () => {
    const { rows } = await admin.query<{ name: string; unique: boolean }>(
      `select x.relname as name, i.indisunique as unique from pg_index i join pg_class x on x.oid = i.indexrelid join pg_class c on c.oid = i.indrelid
       where c.relnamespace = 'public'::regnamespace and not c.relispartition
         and not exists (select from pg_constraint k where k.conindid = i.indexrelid) order by 1`,
    );
    const listed = new Set([...INDEXES[service].uses, ...SHARED_INDEXES.uses].map(({ index }) => index));
    expect(rows.map(({ name }) => name)).toEqual([...listed].sort());
    // What is needed by no plan is there to refuse.
    const guards = [...uses].filter(({ values }) => values === undefined).map(({ index }) => index);
    for (const { name, unique } of rows) if (guards.includes(name)) expect(unique, name).toBe(true);
  });

  it.each(uses.filter(({ values }) => values !== undefined))('$index is what $query goes by', async (use) => {
    const { indexes } = await execute(admin, use);
    expect([...indexes]).toContain(use.index);
  });

  // A superuser, as above, stands over row-level security; the service does not, and its policies cost plans.
  it.runIf(service === 'gateway').each(uses.filter(({ values }) => values !== undefined))(
    '$index is what $query goes by behind the wall of a tenant, and for the machinery',
    async (use) => {
      for (const tenant of [OWNER[0], `'${EVERY_TENANT}'`]) {
        const asService = `set local role ${new URL(db.url).username}; select set_config('payflow.tenant', ${tenant}::text, true)`;
        const { indexes } = await execute(admin, use, asService);
        expect([...indexes], tenant).toContain(use.index);
      }
    },
  );
});
