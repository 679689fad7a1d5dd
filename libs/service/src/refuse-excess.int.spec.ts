import { openDatabase, runMigrations, SqlMigration, type Rights } from '@payflow/database';
import { provisionTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refuseExcess, RoleTooPowerful } from './refuse-excess.js';

class Things1763700003000 extends SqlMigration {
  readonly sql = 'create table things (id integer primary key, colour text)';
}
class Places1763700004000 extends SqlMigration {
  readonly sql = 'create table places (id integer primary key)';
}
const RIGHTS: Rights = {};
const LATER: Rights = { things: { update: ['colour'] }, places: { delete: true } };

let db: TestDatabase;
beforeAll(async () => {
  db = await provisionTestDatabase('archiver', [Things1763700003000, RIGHTS], 1);
  await runMigrations(db.ownerUrl, [Things1763700003000, Places1763700004000, LATER]);
});
afterAll(() => db?.drop());

async function refusal(isAhead: boolean): Promise<string> {
  const opened = await openDatabase({ url: db.url, poolSize: 1, applicationName: 'spec' });
  try {
    await refuseExcess('archiver', opened, RIGHTS, { isAhead });
    await opened.close();
    return 'none';
  } catch (error) {
    expect(error).toBeInstanceOf(RoleTooPowerful);
    return (error as Error).message;
  }
}

it('refuses what a newer version was granted, and accepts it where a newer schema is accepted', async () => {
  expect(await refusal(false)).toMatch(/UPDATE \(colour\) on things/);
  expect(await refusal(true)).toBe('none');
});

it('accepts no power that is not a grant on a table, however new the schema is', async () => {
  await db.tamper(`alter role ${new URL(db.url).username} createdb`);
  expect(await refusal(true)).toMatch(/it is createdb/);
});
