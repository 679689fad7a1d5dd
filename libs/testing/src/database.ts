import {
  dropProvisioned,
  openDatabase,
  provisionDatabase,
  runMigrations,
  type Database,
  type ProvisionedDatabase,
} from '@payflow/database';
import { Client } from 'pg';
import { testServers } from './servers.js';
import { uniqueSuffix } from './topics.js';

type Migrations = Parameters<typeof runMigrations>[1];

/** Specs share the machine with servers that start and die: a slow connection is not what they are about. */
const ACQUIRE_TIMEOUT_MS = 30_000;

export interface TestDatabase extends ProvisionedDatabase {
  /** Superuser URL of this database. */
  readonly adminUrl: string;
  /** A pool as the service's own role: least privilege holds in tests too. */
  readonly database: Database;
  /** Runs one text of SQL as superuser with triggers off: for damage and age that the service itself cannot do. */
  tamper(text: string): Promise<void>;
  drop(): Promise<void>;
}

/** A migrated database of its own for one spec file, with the service's roles. */
export async function createTestDatabase(
  service: string,
  migrations: Migrations,
  poolSize = 10,
): Promise<TestDatabase> {
  const { postgres } = testServers();
  const prefix = `test_${uniqueSuffix()}`;
  const provisioned = await provisionDatabase(
    postgres,
    service,
    { migrator: 'migrator-password', service: 'service-password', reader: 'reader-password' },
    prefix,
  );
  await runMigrations(provisioned.ownerUrl, migrations);
  const database = await openDatabase({
    url: provisioned.url,
    poolSize,
    applicationName: `${service}-spec`,
    acquireTimeout_ms: ACQUIRE_TIMEOUT_MS,
  });
  const adminUrl = Object.assign(new URL(postgres), { pathname: `/${prefix}_${service}` }).toString();
  return {
    ...provisioned,
    adminUrl,
    database,
    tamper: (text) => tamper(adminUrl, text),
    drop: async () => {
      await database.close();
      await dropProvisioned(postgres, `${prefix}_${service}`);
    },
  };
}

async function tamper(adminUrl: string, text: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`set session_replication_role = replica; ${text}`).finally(() => admin.end());
}
