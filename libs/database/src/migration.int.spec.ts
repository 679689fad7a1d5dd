import { provisionTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runMigrations, SqlMigration } from './migration.js';

class Things1763700003000 extends SqlMigration {
  readonly sql = 'create table things (id integer primary key)';
}
class Colours1763700004000 extends SqlMigration {
  readonly sql = 'create table colours (name text)';
}
class ColouredThings1763700005000 extends SqlMigration {
  readonly sql = 'alter table things add column colour text; insert into things values (1)';
}

let db: TestDatabase;
let other: Client;
beforeAll(async () => {
  db = await provisionTestDatabase('spec', [Things1763700003000], 1);
  other = new Client({ connectionString: db.adminUrl });
  await other.connect();
});
afterAll(async () => {
  await other?.end();
  await db?.drop();
});

it('keeps nobody waiting while a table that it changes is being read for long, and changes it afterwards, once', async () => {
  await other.query('begin; select from things');
  const later = runMigrations(db.ownerUrl, [Things1763700003000, Colours1763700004000, ColouredThings1763700005000]);
  const WAITS = "select from pg_locks where not granted and relation = 'things'::regclass";
  await until('it waits for the table', async () => (await other.query(WAITS)).rowCount !== 0);
  const reader = new Client({ connectionString: db.url, statement_timeout: 10_000 });
  await reader.connect();
  for (let read = 0; read < 3; read++) await reader.query('select from things');
  await reader.end();
  await other.query('commit');
  expect(await later).toEqual([Colours1763700004000.name, ColouredThings1763700005000.name]);
  expect((await other.query('select id, colour from things')).rows).toEqual([{ id: 1, colour: null }]);
});
