import {
  dropProvisioned,
  openDatabase,
  provisionDatabase,
  runMigrations,
  type Database,
  type DatabaseOptions,
} from '@payflow/database';
import { Client } from 'pg';
import {
  PASSWORDS,
  copyTemplate,
  dropCopy,
  templateOf,
  type DatabaseUrls,
  type Migrations,
} from './database-template.js';
import { testServers } from './servers.js';
import { uniqueSuffix } from './topics.js';

/** Specs share the machine with servers that start and die: a slow connection is not what they are about. */
const ACQUIRE_TIMEOUT_MS = 30_000;

/** A spec's own pool, as the role that the URL names. */
export function openSpecPool(url: string, options: Partial<DatabaseOptions> = {}): Promise<Database> {
  return openDatabase({
    url,
    poolSize: 5,
    applicationName: 'spec',
    acquireTimeout_ms: ACQUIRE_TIMEOUT_MS,
    ...options,
  });
}

export interface TestDatabase extends DatabaseUrls {
  /** Superuser URL of this database. */
  readonly adminUrl: string;
  /** A pool as the service's own role: least privilege holds in tests too. */
  readonly database: Database;
  /** Runs one text of SQL as superuser with triggers off: for damage and age that the service itself cannot do. */
  tamper(text: string): Promise<void>;
  drop(): Promise<void>;
}

/**
 * A migrated database of its own for one spec file: a copy of one that all files with these migrations share, and with it the
 * roles. To run migrations takes ten times as long as to copy what they made. Not for specs that migrate further or change roles.
 */
export async function createTestDatabase(
  service: string,
  migrations: Migrations,
  poolSize = 10,
): Promise<TestDatabase> {
  const { postgres } = testServers();
  const template = await templateOf(postgres, service, migrations);
  const name = `test_${uniqueSuffix()}_${service}`;
  const urls = await copyTemplate(postgres, template, name);
  return open(urls, name, poolSize, () => dropCopy(postgres, name));
}

/** A database with roles of its own, migrated by itself: what a template cannot be copied to, and slower. */
export async function provisionTestDatabase(
  service: string,
  migrations: Migrations,
  poolSize = 10,
): Promise<TestDatabase> {
  const { postgres } = testServers();
  const prefix = `test_${uniqueSuffix()}`;
  const urls = await provisionDatabase(postgres, service, PASSWORDS, prefix);
  await runMigrations(urls.ownerUrl, migrations);
  const name = `${prefix}_${service}`;
  return open(urls, name, poolSize, () => dropProvisioned(postgres, name));
}

async function open(
  urls: DatabaseUrls,
  name: string,
  poolSize: number,
  drop: () => Promise<void>,
): Promise<TestDatabase> {
  const { url, ownerUrl, readerUrl } = urls;
  const database = await openSpecPool(url, { poolSize, applicationName: `${name.split('_').at(-1)}-spec` });
  const adminUrl = Object.assign(new URL(testServers().postgres), { pathname: `/${name}` }).toString();
  return {
    url,
    ownerUrl,
    readerUrl,
    adminUrl,
    database,
    tamper: (text) => tamper(adminUrl, text),
    drop: async () => {
      await database.close();
      await drop();
    },
  };
}

async function tamper(adminUrl: string, text: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`set session_replication_role = replica; ${text}`).finally(() => admin.end());
}
