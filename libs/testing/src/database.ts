import {
  openDatabase,
  provisionDatabase,
  runMigrations,
  type Database,
  type ProvisionedDatabase,
} from '@payflow/database';
import { Client, escapeIdentifier } from 'pg';
import { testServers } from './servers.js';
import { uniqueSuffix } from './topics.js';

type Migrations = Parameters<typeof runMigrations>[1];

/** Specs share the machine with servers that start and die: a slow connection is not what they are about. */
const ACQUIRE_TIMEOUT_MS = 10_000;

export interface TestDatabase extends ProvisionedDatabase {
  /** Superuser URL of this database. */
  readonly adminUrl: string;
  /** A pool as the service's own role: least privilege holds in tests too. */
  readonly database: Database;
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
    { owner: 'owner-password', service: 'service-password' },
    prefix,
  );
  await runMigrations(provisioned.ownerUrl, migrations);
  const database = await openDatabase({
    url: provisioned.url,
    poolSize,
    applicationName: `${service}-spec`,
    acquireTimeout_ms: ACQUIRE_TIMEOUT_MS,
  });
  return {
    ...provisioned,
    adminUrl: Object.assign(new URL(postgres), { pathname: `/${prefix}_${service}` }).toString(),
    database,
    drop: async () => {
      await database.close();
      await dropDatabase(postgres, `${prefix}_${service}`);
    },
  };
}

async function dropDatabase(adminUrl: string, name: string): Promise<void> {
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  await admin.query(`drop database ${escapeIdentifier(name)} with (force)`);
  await admin.query(`drop role ${escapeIdentifier(name)}`);
  await admin.query(`drop role ${escapeIdentifier(`${name}_owner`)}`);
  await admin.end();
}
