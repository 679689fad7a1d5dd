import { newId, newUuid, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { migrations } from './index.js';
import { METADATA_LISTS } from './transfer-view.repository.js';

let test: TestDatabase;
let admin: Client;
beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations, 2);
  admin = new Client({ connectionString: test.adminUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin?.end();
  await test?.drop();
});

const names = async (text: string): Promise<string[]> =>
  (await admin.query<{ name: string }>(text)).rows.map(({ name }) => name);

const OWNED = `
  select distinct c.relname::text as name from pg_class c join pg_attribute a on a.attrelid = c.oid
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
    and (a.attname ~ 'tenant' or a.attname ~ 'organi[sz]ation') and not a.attisdropped order by 1`;

it('has a wall before every table that says whose its rows are', async () => {
  const walled = await names(
    `select c.relname::text as name from pg_class c join pg_policy p on p.polrelid = c.oid
     where c.relrowsecurity and p.polname = 'tenant_wall' and p.polcmd = '*' order by 1`,
  );
  const owned = await names(OWNED);
  expect(owned).toContain('payment_views');
  expect(walled).toEqual(owned);
});

it('lets nobody reach a partition but through its table', async () => {
  const open = await names(
    `select c.relname::text as name from pg_class c where c.relispartition and c.relkind = 'r'
       and has_table_privilege('${new URL(test.url).username}', c.oid, 'select')`,
  );
  expect(open).toEqual([]);
});

it('shows of a table nothing but what is the tenant’s, though the statement does not ask whose it is', async () => {
  const [mine, others] = [newUuid(), newUuid()];
  await admin.query(
    `insert into unit_views (tenant_id, livemode, code, scale, name, created_at)
     select tenant, false, 'MILES', 0, 'Miles', now() from unnest($1::uuid[]) as tenant`,
    [[mine, others]],
  );
  const withoutFilter = statement('spec.units-of-all', 'select tenant_id from unit_views');
  expect(await test.database.as(mine).rows(withoutFilter)).toEqual([{ tenant_id: mine }]);
  expect(await test.database.rows(withoutFilter)).toHaveLength(2);
  // Without the policy the same statement shows the others' rows: it is the wall that holds.
  await admin.query('alter table unit_views disable row level security');
  expect(await test.database.as(mine).rows(withoutFilter)).toHaveLength(2);
  await admin.query('alter table unit_views enable row level security');
  expect(await test.database.as(mine).rows(withoutFilter)).toHaveLength(1);
});

it('shows transfers by their metadata behind the same wall, in all their columns', async () => {
  const columnsOf = (table: string) =>
    names(
      `select attname::text as name from pg_attribute where attrelid = '${table}'::regclass and attnum > 0 and not attisdropped order by 1`,
    );
  expect(await columnsOf('tenant_transfer_views')).toEqual(await columnsOf('transfer_views'));
  const [mine, others] = [newUuid(), newUuid()];
  await admin.query(
    `insert into transfer_views (tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset,
       metadata, version, created_at, recorded_at, effective_at)
     select tenant, false, gen_random_uuid(), 'posted', gen_random_uuid(), gen_random_uuid(), 1, 'USD', '{"order":"7"}', 1, now(), now(), now()
     from unnest($1::uuid[]) as tenant`,
    [[mine, others]],
  );
  const page = { filter: { metadata: '{"order":"7"}' }, after: undefined, limit: 10 };
  const [list, [, ...values]] = METADATA_LISTS.of({ tenant: newId('tenant'), livemode: false }, page, (id) =>
    uuidOf('transfer', id),
  );
  expect(await test.database.as(mine).rows(list, [mine, ...values])).toHaveLength(1);
  expect(await test.database.as(mine).rows(list, [others, ...values])).toEqual([]);
});
