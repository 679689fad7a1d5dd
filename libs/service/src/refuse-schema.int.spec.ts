import { openDatabase, schemaGapOf, type Database } from '@payflow/database';
import {
  MESSAGING_RIGHTS,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
} from '@payflow/messaging';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from './configuration/configuration.js';
import { refuseSchema } from './refuse-schema.js';

const MIGRATIONS = [
  MessagingTables1763700000000,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MESSAGING_RIGHTS,
];
class Later1999999999999 {}

let tables: TestDatabase;
let empty: TestDatabase;
let db: Database;
const opened = ({ url }: TestDatabase) => openDatabase({ url, poolSize: 1, applicationName: 'spec' });
beforeAll(async () => {
  [tables, empty] = await Promise.all([
    createTestDatabase('archiver', MIGRATIONS, 1),
    createTestDatabase('archiver', [], 1),
  ]);
});
beforeEach(async () => {
  db = await opened(tables);
});
afterAll(async () => {
  await tables.drop();
  await empty.drop();
});

const problemsOf = async (...args: Parameters<typeof refuseSchema>): Promise<readonly string[]> => {
  const refused = await refuseSchema(...args).catch((error: unknown) => error);
  if (refused === undefined) return [];
  expect(refused).toBeInstanceOf(ConfigurationError);
  return (refused as ConfigurationError).problems;
};
const ask = () => schemaGapOf(db, MIGRATIONS);

it('lets a service be whose migrations have run, and no others', async () => {
  expect(await problemsOf('archiver', db, MIGRATIONS, 'refuse')).toEqual([]);
  expect(await ask()).toEqual({ missing: [], unknown: [] });
  await db.close();
});

describe.each(['refuse', 'accept'] as const)('with DATABASE_SCHEMA_AHEAD=%s', (ahead) => {
  it('refuses a schema older than the code, with what it lacks and what to do, and closes the pools', async () => {
    const problems = await problemsOf('archiver', db, [...MIGRATIONS, Later1999999999999], ahead);
    expect(problems).toEqual([
      'the schema of the database in DATABASE_URL is older than this version: it lacks 1 migration (Later1999999999999). Run `payflow setup` of this version',
    ]);
    await expect(ask()).rejects.toThrow();
  });

  it('refuses a database that was never set up', async () => {
    await empty.tamper('drop table if exists schema_migrations');
    await db.close();
    const other = await opened(empty);
    const [problem, ...more] = await problemsOf('archiver', other, MIGRATIONS, ahead);
    expect(more).toEqual([]);
    expect(problem).toContain(`it lacks 3 migrations (${MessagingTables1763700000000.name}, `);
  });
});

it('refuses a schema newer than the code, unless that is meant', async () => {
  const [first, second] = MIGRATIONS;
  expect(await problemsOf('archiver', db, [first, second], 'accept')).toEqual([]);
  const [problem, ...more] = await problemsOf('archiver', db, [first, second], 'refuse');
  expect(more).toEqual([]);
  expect(problem).toContain(`does not know 1 migration (${MessagingPartitions1764100040001.name})`);
  expect(problem).toContain('DATABASE_SCHEMA_AHEAD=accept');
  await expect(ask()).rejects.toThrow();
});
