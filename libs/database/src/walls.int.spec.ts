import { randomUUID } from 'node:crypto';
import { provisionTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EVERY_TENANT, SqlMigration, statement, WALLS } from './index.js';

class Notes1700000000001 extends SqlMigration {
  readonly sql = `${WALLS}
    create table notes (tenant_id uuid not null, text text not null);
    create table left_behind (tenant text not null, text text not null);
    create table shared (text text not null);`;
}

const ADD = statement('spec.add-note', 'insert into notes select unnest($1::uuid[]), $2');
const ALL = statement('spec.all-notes', 'select text from notes order by text');
const LEFT = statement('spec.left-behind', 'select text from left_behind');
const ME = statement('spec.who-am-i', 'select pg_backend_pid() as pid');
const RUNS = statement(
  'spec.runs',
  `select name, (generic_plans + custom_plans)::integer as runs, pg_backend_pid() as pid from pg_prepared_statements
   where name in ('database.say-tenant', 'spec.all-notes')`,
);

const [alice, bob] = [randomUUID(), randomUUID()];
let test: TestDatabase;
beforeAll(async () => {
  test = await provisionTestDatabase('gateway', [Notes1700000000001, { notes: {} }], 2);
  await test.database.count(ADD, [[alice], 'of alice']);
  await test.database.count(ADD, [[bob], 'of bob']);
  await test.tamper(`insert into left_behind values ('org', 'by a message')`);
});
afterAll(() => test?.drop());

const textsOf = async (tenant: string) => (await test.database.as(tenant).rows<{ text: string }>(ALL)).map(one);
const one = ({ text }: { readonly text: string }): string => text;

it('shows a tenant its own rows, and the machinery all of them', async () => {
  expect(await textsOf(alice)).toEqual(['of alice']);
  expect(await textsOf(bob)).toEqual(['of bob']);
  expect(await textsOf(randomUUID())).toEqual([]);
  expect(await textsOf(EVERY_TENANT)).toEqual(['of alice', 'of bob']);
  expect((await test.database.rows<{ text: string }>(ALL)).map(one)).toEqual(['of alice', 'of bob']);
});

it('shows what messages leave behind to nobody but the machinery', async () => {
  expect(await test.database.rows(LEFT)).toHaveLength(1);
  expect(await test.database.as(alice).rows(LEFT)).toEqual([]);
});

it('takes no row of another', async () => {
  await expect(test.database.as(alice).count(ADD, [[alice, bob], 'smuggled'])).rejects.toThrow(/row-level security/);
  expect(await textsOf(EVERY_TENANT)).not.toContain('smuggled');
});

it('shows nothing to a connection that has not said whose it is, nor to one that says nonsense', async () => {
  const { Client } = await import('pg');
  const client = new Client({ connectionString: test.url });
  await client.connect();
  try {
    expect((await client.query('select * from notes')).rows).toEqual([]);
    await client.query(`set payflow.tenant = '${alice}'; reset payflow.tenant`);
    expect((await client.query('select * from notes')).rows).toEqual([]);
    await client.query(`set payflow.tenant = 'everybody'`);
    await expect(client.query('select * from notes')).rejects.toThrow(/uuid/);
  } finally {
    await client.end();
  }
});

it('holds a whole transaction to its tenant, and the next work on the connection to its own', async () => {
  const seen = await test.database.as(alice).transaction(async (tx) => {
    await tx.count(ADD, [[alice], 'second']);
    return tx.rows<{ text: string }>(ALL);
  });
  expect(seen.map(one)).toEqual(['of alice', 'second']);
  expect(await textsOf(bob)).toEqual(['of bob']);
  await expect(test.database.as(bob).transaction((tx) => tx.count(ADD, [[alice], 'third']))).rejects.toThrow();
  expect(await textsOf(EVERY_TENANT)).toEqual(['of alice', 'of bob', 'second']);
});

it('sends nothing where the connection said it last time, takes that connection, and keeps statements prepared', async () => {
  await test.database.warmUp();
  const mine = test.database.as(alice);
  await Promise.all([mine.rows(ME), test.database.rows(ME)]);
  const [before] = await mine.rows<{ pid: number }>(ME);
  const runsOf = async () =>
    new Map((await mine.rows<{ name: string; runs: number }>(RUNS)).map(({ name, runs }) => [name, runs]));
  await mine.rows(ALL);
  const first = await runsOf();
  for (let time = 0; time < 10; time++) {
    await mine.rows(ALL);
    // Another speaks in between, on the other connection.
    await test.database.rows(ME);
  }
  const last = await runsOf();
  expect((await mine.rows<{ pid: number }>(ME))[0]).toEqual(before);
  expect(last.get('database.say-tenant')).toBe(first.get('database.say-tenant'));
  expect(last.get('spec.all-notes')).toBe((first.get('spec.all-notes') as number) + 10);
});

it('lets the ORM see all, whoever had its connection before', async () => {
  const look = () => test.database.source.query<{ text: string }[]>('select text from notes order by text');
  await Promise.all([textsOf(alice), textsOf(bob)]);
  expect(await look()).toHaveLength(3);
  expect(await textsOf(bob)).toEqual(['of bob']);
});

it('shows the reader all, and puts a wall before tables that come later', async () => {
  const { Client } = await import('pg');
  const owner = new Client({ connectionString: test.ownerUrl });
  const reader = new Client({ connectionString: test.readerUrl });
  await Promise.all([owner.connect(), reader.connect()]);
  try {
    expect((await reader.query('select * from notes')).rowCount).toBe(3);
    await owner.query('create table later (tenant_id uuid not null)');
    expect((await owner.query('select raise_walls() as raised')).rows).toEqual([{ raised: 1 }]);
    expect((await owner.query('select raise_walls() as raised')).rows).toEqual([{ raised: 0 }]);
    const { rows } = await owner.query(
      `select relname::text as name from pg_class where relrowsecurity and relnamespace = 'public'::regnamespace order by 1`,
    );
    expect(rows.map(({ name }) => name as string)).toEqual(['later', 'left_behind', 'notes']);
  } finally {
    await Promise.all([owner.end(), reader.end()]);
  }
});
