import { provisionTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { IndexMigration } from './index-migration.js';
import { runMigrations, SqlMigration } from './migration.js';

class Tables1764100049003 extends SqlMigration {
  readonly sql = `
create table plain (id integer primary key, colour text);
create index plain_old on plain (colour, id);
insert into plain select n, 'c' || n % 100 from generate_series(1, 5000) as n;
create table dated (id integer, day date not null) partition by range (day);
create index dated_old on dated (id, day);
create table dated_1 partition of dated for values from ('2026-01-01') to ('2026-02-01');
create table dated_2 partition of dated for values from ('2026-02-01') to ('2026-03-01');
insert into dated select n, date '2026-01-01' + n % 59 from generate_series(1, 5000) as n;`;
}

class Indexes1764100049004 extends IndexMigration {
  override readonly indexes = [
    { name: 'plain_by_colour', table: 'plain', definition: '(colour)' },
    { name: 'dated_by_id', table: 'dated', definition: '(id) where id > 10' },
  ];
  override readonly dropped = ['plain_old', 'dated_old', 'never_there'];
}

const WANTED = ['dated_1_dated_by_id', 'dated_2_dated_by_id', 'dated_by_id', 'plain_by_colour'];

let db: TestDatabase;
let owner: Client;
let admin: Client;
beforeEach(async () => {
  db = await provisionTestDatabase('spec', [Tables1764100049003, {}], 1);
  owner = new Client({ connectionString: db.ownerUrl });
  admin = new Client({ connectionString: db.adminUrl });
  await Promise.all([owner.connect(), admin.connect()]);
});
afterEach(async () => {
  await Promise.all([owner.end(), admin.end()]);
  await db.drop();
});

const migrate = () => runMigrations(db.ownerUrl, [Tables1764100049003, Indexes1764100049004]);

async function expectMade(more: readonly string[] = []): Promise<void> {
  const { rows } = await owner.query<{ name: string; valid: boolean }>(
    `select indexrelid::regclass::text as name, indisvalid as valid from pg_index
     where indrelid::regclass::text ~ '^(plain|dated)' and not indisprimary order by 1`,
  );
  expect(rows).toEqual([...WANTED, ...more].sort().map((name) => ({ name, valid: true })));
}

describe('a migration of indexes', () => {
  it('makes them valid, on each partition, and drops what is needed no longer', async () => {
    expect(await migrate()).toEqual(['Indexes1764100049004']);
    await expectMade();
    expect(await migrate()).toEqual([]);
  });

  it('makes a partition’s index that nobody thought of by itself, and those of partitions made later come with them', async () => {
    await migrate();
    await owner.query("create table dated_3 partition of dated for values from ('2026-03-01') to ('2026-04-01')");
    await expectMade(['dated_3_id_idx']);
  });

  it.each([
    ['an invalid index', 'create index plain_by_colour on plain (colour)', 'plain_by_colour'],
    [
      'an invalid index of a partition',
      'create index dated_1_dated_by_id on dated_1 (id) where id > 10',
      'dated_1_dated_by_id',
    ],
  ])('killed and run again, drops %s and makes it anew', async (_, text, name) => {
    await owner.query(text);
    await admin.query(`update pg_index set indisvalid = false where indexrelid = '${name}'::regclass`);
    await migrate();
    await expectMade();
  });

  it.each([
    'create index dated_by_id on only dated (id) where id > 10',
    'create index dated_by_id on only dated (id) where id > 10; create index dated_1_dated_by_id on dated_1 (id) where id > 10',
    `create index dated_by_id on only dated (id) where id > 10; create index dated_1_dated_by_id on dated_1 (id) where id > 10;
     alter index dated_by_id attach partition dated_1_dated_by_id`,
    'drop index plain_old',
  ])('killed after "%s", the next run completes it', async (text) => {
    await owner.query(text);
    await migrate();
    await expectMade();
  });

  it('whose backend is killed inside `create index concurrently` leaves an invalid index, and the next run a valid one', async () => {
    const writer = new Client({ connectionString: db.ownerUrl });
    await writer.connect();
    await writer.query("begin; update plain set colour = 'red' where id = 1");
    const run = migrate().catch((error: Error) => error.message);
    await until('it waits for the writer', async () => {
      const { rowCount } = await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and wait_event_type = 'Lock' and query like 'create index concurrently%'`,
      );
      return rowCount === 1;
    });
    expect(await run).toMatch(/terminat/i);
    await writer.query('commit');
    await writer.end();
    const { rows } = await owner.query(
      "select indisvalid from pg_index where indexrelid = 'plain_by_colour'::regclass",
    );
    expect(rows).toEqual([{ indisvalid: false }]);
    await migrate();
    await expectMade();
  });

  it('keeps writers writing: one whose transaction is open goes on, and the index waits for it', async () => {
    const [writer, other] = [
      new Client({ connectionString: db.ownerUrl }),
      new Client({ connectionString: db.ownerUrl }),
    ];
    await Promise.all([writer.connect(), other.connect()]);
    await writer.query(
      "begin; update plain set colour = 'red' where id = 1; insert into dated values (7, '2026-01-07')",
    );
    const run = migrate();
    await until('it waits for the writer', async () => {
      const { rowCount } = await admin.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'create index concurrently%'`,
      );
      return rowCount === 1;
    });
    await other.query(
      "set statement_timeout = '5s'; update plain set colour = 'blue' where id = 2; insert into dated values (8, '2026-02-07')",
    );
    await writer.query('commit');
    await run;
    await Promise.all([writer.end(), other.end()]);
    await expectMade();
  });

  it('run twice at once, is run once', async () => {
    await Promise.allSettled([migrate(), migrate()]);
    await migrate();
    await expectMade();
  });
});
