import { capacityOf, openDatabase, type Database } from '@payflow/database';
import { provisionTestDatabase, testServers, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { commonFields } from './configuration/common-fields.js';
import { ConfigurationError, defineConfiguration, readConfiguration } from './configuration/configuration.js';
import { refusePools } from './refuse-pools.js';

const configuration = defineConfiguration('payments', commonFields({ port: 0, database: 'payments' }));
const sized = (size: number, overflow: number) =>
  readConfiguration(configuration, {
    NODE_ENV: 'test',
    LOG_LEVEL: 'silent',
    DATABASE_POOL_SIZE: String(size),
    DATABASE_MAX_OVERFLOW: String(overflow),
  });

let tables: TestDatabase;
let admin: Client;
let role: string;
let db: Database;
beforeAll(async () => {
  tables = await provisionTestDatabase('payments', [], 1);
  role = new URL(tables.url).username;
  admin = new Client({ connectionString: testServers().postgres });
  await admin.connect();
});
beforeEach(async () => {
  db = await openDatabase({ url: tables.url, poolSize: 1, applicationName: 'spec' });
});
afterEach(async () => {
  await admin.query(`alter role "${role}" connection limit -1`);
});
afterAll(async () => {
  await admin.end();
  await tables.drop();
});

it('knows what the server has for services, and how many others hold', async () => {
  const { rows } = await admin.query<{ max: number; kept: number }>(
    `select current_setting('max_connections')::integer as max,
       current_setting('superuser_reserved_connections')::integer + current_setting('reserved_connections')::integer as kept`,
  );
  const { max = 0, kept = 0 } = rows[0] ?? {};
  const { limit, bound, others } = await capacityOf(db);
  expect([limit, bound]).toEqual([max - kept, 'max_connections of the server, less those reserved']);
  // At least this spec's own two, beside the pool that asks.
  expect(others).toBeGreaterThanOrEqual(2);
  await db.close();
});

it('lets pools be that the server can fill', async () => {
  await refusePools('payments', db, sized(8, 4));
  await db.close();
});

it('refuses pools that it never could, names both variables and the limit, and closes them', async () => {
  const { limit } = await capacityOf(db);
  const refused = await refusePools('payments', db, sized(200, 100)).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ConfigurationError);
  expect((refused as ConfigurationError).problems).toEqual([
    `DATABASE_POOL_SIZE and DATABASE_MAX_OVERFLOW come to 300 connections, and there are ${limit}: max_connections of the server, less those reserved`,
  ]);
  await expect(capacityOf(db)).rejects.toThrow();
});

it('knows the limit of the role', async () => {
  await admin.query(`alter role "${role}" connection limit 6`);
  await expect(refusePools('payments', db, sized(4, 3))).rejects.toThrow(
    'there are 6: the connection limit of the role',
  );
});
