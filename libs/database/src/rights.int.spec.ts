import { provisionTestDatabase, testServers, uniqueSuffix, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDatabase } from './database.js';
import { excessOf } from './excess.js';
import { SqlMigration, runMigrations } from './migration.js';
import { PARTITION_FUNCTIONS, TRUNCATE_GUARDS } from './partitions.js';
import { dropProvisioned, provisionDatabase } from './provision.js';
import type { Rights } from './rights.js';

class Things1763700003000 extends SqlMigration {
  readonly sql = `
${PARTITION_FUNCTIONS}
${TRUNCATE_GUARDS}
create table things (id integer primary key, colour text, weight integer);
create table history (id integer, at timestamptz) partition by range (at);
insert into maintained_partitions values ('history', '1 month');
create function refuse() returns trigger language plpgsql as $$ begin raise 'never' using errcode = 'insufficient_privilege'; end $$;
select guard_history('history', 'refuse');
select ensure_partitions(0);`;
}

const RIGHTS: Rights = { maintained_partitions: { insert: false }, things: { update: ['colour'], delete: true } };
const STEPS = [Things1763700003000, RIGHTS];
const PASSWORDS = { migrator: 'migrator', service: 'service', reader: 'reader' };
const DENIED = { code: '42501' };

async function onceAs(url: string, text: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return (await client.query<object>(text).finally(() => client.end())).rows;
}

async function excessAs(url: string, rights = RIGHTS): Promise<string[]> {
  const db = await openDatabase({ url, poolSize: 1, applicationName: 'spec' });
  try {
    return (await excessOf(db, rights)).map(({ ability, remedy }) => `${ability}: ${remedy}`);
  } finally {
    await db.close();
  }
}

const thisMonth = `history_${new Date().toISOString().slice(0, 7).replace('-', '')}`;

describe('the roles of a database', () => {
  let db: TestDatabase;
  let name: string;
  beforeAll(async () => {
    db = await provisionTestDatabase('spec', STEPS, 1);
    name = new URL(db.url).username;
  });
  afterAll(() => db.drop());

  it.each([
    'insert into things values (1)',
    "update things set colour = 'red'",
    'delete from things',
    'insert into history values (1, now())',
    'select * from history',
    'select ensure_partitions(3)',
  ])('the service may: %s', async (text) => {
    await onceAs(db.url, text);
  });

  it.each([
    'update things set weight = 1',
    'update things set id = 2',
    'truncate things',
    'update history set id = 2',
    'delete from history',
    'truncate history',
    `update ${thisMonth} set id = 2`,
    `delete from ${thisMonth}`,
    `insert into ${thisMonth} values (1, now())`,
    `truncate ${thisMonth}`,
    "insert into maintained_partitions values ('things', '1 day')",
    'insert into schema_migrations (timestamp, name) values (1, $$x$$)',
    'alter table history disable trigger all',
    'create table mine (id integer)',
    'create schema mine',
    'set session_replication_role = replica',
  ])('the service may not: %s', async (text) => {
    await expect(onceAs(db.url, text)).rejects.toMatchObject(DENIED);
  });

  it('the reader reads, and does nothing else: neither where it asks to write, nor what the owner would do for it', async () => {
    expect(await onceAs(db.readerUrl, 'select * from history limit 0')).toEqual([]);
    expect(await onceAs(db.readerUrl, "select * from partitions_ahead() where table_name = 'history'")).toHaveLength(1);
    for (const text of ['insert into things values (1)', 'delete from things', 'select ensure_partitions(5)'])
      await expect(onceAs(db.readerUrl, `set transaction read write; ${text}`)).rejects.toMatchObject(DENIED);
    await expect(onceAs(db.readerUrl, 'insert into things values (1)')).rejects.toThrow(/read-only transaction/);
  });

  it('the owner cannot log in, and what the migrator makes is the owner’s', async () => {
    await onceAs(db.ownerUrl, 'create table made (id integer)');
    expect(await onceAs(db.adminUrl, "select tableowner from pg_tables where tablename = 'made'")).toEqual([
      { tableowner: `${name}_owner` },
    ]);
    await onceAs(db.ownerUrl, 'drop table made');
    const roles = `select rolname, rolcanlogin from pg_roles where rolname like '${name}%' order by 1`;
    expect(await onceAs(db.adminUrl, roles)).toEqual([
      { rolname: name, rolcanlogin: true },
      { rolname: `${name}_migrator`, rolcanlogin: true },
      { rolname: `${name}_owner`, rolcanlogin: false },
      { rolname: `${name}_reader`, rolcanlogin: true },
    ]);
  });

  it('a partition made later cannot be emptied either, not even by the owner', async () => {
    await onceAs(db.url, 'select ensure_partitions(6)');
    const partitions = (await onceAs(
      db.adminUrl,
      "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'history'::regclass",
    )) as { name: string }[];
    expect(partitions).toHaveLength(8);
    for (const { name: partition } of [...partitions, { name: 'history' }])
      await expect(onceAs(db.ownerUrl, `truncate ${partition}`)).rejects.toThrow('never');
  });

  describe('a role that can do more', () => {
    it('is not the one that set-up makes', async () => {
      expect(await excessAs(db.url)).toEqual([]);
    });

    it.each([
      ['alter role %I superuser', 'is superuser: alter role %I nosuperuser'],
      ['alter role %I bypassrls', 'is bypassrls: alter role %I nobypassrls'],
      ['alter role %I createrole', 'is createrole: alter role %I nocreaterole'],
      ['alter role %I createdb', 'is createdb: alter role %I nocreatedb'],
      ['alter role %I replication', 'is replication: alter role %I noreplication'],
      ['grant %I_owner to %I', 'may become %I_owner, which owns the tables: revoke %I_owner from %I'],
      ['grant pg_write_all_data to %I', 'may become pg_write_all_data: revoke pg_write_all_data from %I'],
      ['grant update on history to %I', 'has UPDATE on history: revoke update on history from %I'],
      [
        'grant update on things to %I',
        'has UPDATE on things: revoke update on things from %I; grant update (colour) on things to %I',
      ],
      ['grant delete on history to %I', 'has DELETE on history: revoke delete on history from %I'],
      ['grant truncate on things to %I', 'has TRUNCATE on things: revoke truncate on things from %I'],
      ['grant trigger on history to %I', 'has TRIGGER on history: revoke trigger on history from %I'],
      [
        'grant update (weight) on things to %I',
        'has UPDATE (weight) on things: revoke update (weight) on things from %I',
      ],
      [`grant update on ${thisMonth} to %I`, `has UPDATE on ${thisMonth}: revoke update on ${thisMonth} from %I`],
      ['grant create on schema public to %I', 'can make tables in its schema: revoke create on schema public from %I'],
      [
        'grant set on parameter session_replication_role to %I',
        'can switch triggers off: revoke set on parameter session_replication_role from %I',
      ],
    ])('is found out by: %s', async (grant, found) => {
      const filled = (text: string) => text.replaceAll('%I', name);
      await onceAs(db.adminUrl, filled(grant));
      const excess = await excessAs(db.url);
      expect(excess).toContain(filled(found));
      // What is named as the remedy is one.
      for (const each of excess) await onceAs(db.adminUrl, each.slice(each.indexOf(': ') + 2));
      expect(await excessAs(db.url)).toEqual([]);
    });

    it('is the migrator, and whoever stands above all', async () => {
      expect(await excessAs(db.ownerUrl)).toEqual([
        `may become ${name}_owner, which owns the tables: revoke ${name}_owner from ${name}_migrator`,
      ]);
      expect(await excessAs(db.adminUrl)).toEqual(['is superuser: alter role postgres nosuperuser']);
    });
  });
});

describe('setting up', () => {
  const prefix = `test_${uniqueSuffix()}`;
  const { postgres } = testServers();
  const admin = `${prefix}_admin`;
  const adminUrl = Object.assign(new URL(postgres), { username: admin, password: 'admin' }).toString();

  beforeAll(() => onceAs(postgres, `create role ${admin} login password 'admin' createdb createrole`));
  afterAll(async () => {
    await dropProvisioned(postgres, `${prefix}_spec`);
    await onceAs(postgres, `drop role ${admin}`);
  });

  it.each(['the first time', 'again'])('needs no superuser: %s', async () => {
    const made = await provisionDatabase(adminUrl, 'spec', PASSWORDS, prefix);
    await runMigrations(made.ownerUrl, STEPS);
    expect(await excessAs(made.url)).toEqual([]);
  });

  it('takes over a database of before the four roles: rights by default, an owner that logs in', async () => {
    const before = `test_${uniqueSuffix()}`;
    const [role, owner] = [`${before}_spec`, `${before}_spec_owner`];
    await onceAs(postgres, `create role ${owner} login password 'owner'; create role ${role} login password 'service'`);
    await onceAs(postgres, `create database ${role} owner ${owner}`);
    const asOwner = Object.assign(new URL(postgres), {
      username: owner,
      password: 'owner',
      pathname: `/${role}`,
    }).toString();
    const asAdmin = Object.assign(new URL(postgres), { pathname: `/${role}` }).toString();
    await onceAs(
      asAdmin,
      `alter schema public owner to ${owner}; grant usage on schema public to ${role};
       alter default privileges for role ${owner} in schema public grant select, insert, update, delete on tables to ${role}`,
    );
    await onceAs(asOwner, 'create table things (id integer primary key, colour text, weight integer)');
    await onceAs(asOwner, "insert into things values (1, 'red', 1)");
    const { url, ownerUrl } = await provisionDatabase(postgres, 'spec', PASSWORDS, before);
    expect(await excessAs(url)).toEqual([
      `has UPDATE on things: revoke update on things from ${role}; grant update (colour) on things to ${role}`,
    ]);
    await runMigrations(ownerUrl, [{ things: { update: ['colour'], delete: true } }]);
    expect(await excessAs(url)).toEqual([]);
    expect(await onceAs(url, "update things set colour = 'blue' returning *")).toEqual([
      { id: 1, colour: 'blue', weight: 1 },
    ]);
    await onceAs(ownerUrl, 'create table later (id integer)');
    await expect(onceAs(url, 'select * from later')).rejects.toMatchObject(DENIED);
    await expect(onceAs(asOwner, 'select 1')).rejects.toThrow(/not permitted to log in|password authentication failed/);
    await dropProvisioned(postgres, role);
  });

  it('says which stated right is to no table', async () => {
    const { ownerUrl } = await provisionDatabase(postgres, 'spec', PASSWORDS, prefix);
    await expect(runMigrations(ownerUrl, [{ nothing: { delete: true } }])).rejects.toThrow('"nothing" does not exist');
  });

  it('gives back what has been taken, and takes what has been given by hand', async () => {
    const { url, ownerUrl } = await provisionDatabase(postgres, 'spec', PASSWORDS, prefix);
    await runMigrations(ownerUrl, STEPS);
    await onceAs(ownerUrl, `revoke delete on things from ${prefix}_spec; grant delete on history to ${prefix}_spec`);
    await runMigrations(ownerUrl, STEPS);
    await onceAs(url, 'delete from things');
    await expect(onceAs(url, 'delete from history')).rejects.toMatchObject(DENIED);
  });
});
