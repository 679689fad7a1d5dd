import type { Service } from '@payflow/contracts';
import { dropProvisioned, provisionDatabase, runMigrations } from '@payflow/database';
import { Client } from 'pg';
import { MIGRATIONS } from '../installation.js';

/** A migrated database of its own for a benchmark, seen by a superuser. */
export interface BenchDatabase {
  readonly admin: Client;
  readonly adminUrl: string;
  readonly ownerUrl: string;
  /** As the service's own role. */
  readonly serviceUrl: string;
  drop(): Promise<void>;
}

const PASSWORDS = { migrator: 'bench', service: 'bench', reader: 'bench' };

export async function openBenchDatabase(serverUrl: string, service: Service): Promise<BenchDatabase> {
  const prefix = `bench_${Date.now()}`;
  const { ownerUrl, url: serviceUrl } = await provisionDatabase(serverUrl, service, PASSWORDS, prefix);
  await runMigrations(ownerUrl, MIGRATIONS[service]);
  const adminUrl = Object.assign(new URL(serverUrl), { pathname: `/${prefix}_${service}` }).toString();
  const admin = new Client({ connectionString: adminUrl });
  await admin.connect();
  return {
    admin,
    adminUrl,
    ownerUrl,
    serviceUrl,
    drop: async () => {
      await admin.end();
      await dropProvisioned(serverUrl, `${prefix}_${service}`);
    },
  };
}
