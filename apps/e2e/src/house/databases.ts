import type { Service } from '@payflow/contracts';
import { EVERY_TENANT } from '@payflow/database';
import { Client, Pool, escapeIdentifier, escapeLiteral, type QueryResultRow } from 'pg';
import type { Installation } from './installation.js';

/** The services' databases as a checker reads them: as each service's own role, from outside. */
export class Databases {
  private readonly pools = new Map<Service, Pool>();

  private admin: Pool | undefined;

  constructor(
    private readonly installation: Installation,
    private readonly adminUrl: string,
  ) {}

  /** Rows of a statement on one service's database. int8 and numeric come as text. */
  async rows<R extends QueryResultRow>(service: Service, text: string, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.pool(service).query<R>(text, [...values])).rows;
  }

  /** The first column of the first row. */
  async value<T>(service: Service, text: string, values: readonly unknown[] = []): Promise<T> {
    const [row] = await this.rows<Record<string, T>>(service, text, values);
    return Object.values(row ?? {})[0] as T;
  }

  /** Rows that only the superuser sees, such as other roles' sessions. */
  async adminRows<R extends QueryResultRow>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    this.admin ??= quiet(new Pool({ connectionString: this.adminUrl, max: 2 }));
    return (await this.admin.query<R>(text, [...values])).rows;
  }

  /** Runs a statement as the superuser inside a service's database: for what the service's own role may not do. */
  async asSuperuser(service: Service, text: string): Promise<void> {
    const { pathname } = new URL(this.installation.databaseUrl(service));
    const client = new Client({ connectionString: Object.assign(new URL(this.adminUrl), { pathname }).toString() });
    await client.connect();
    await client.query(text).finally(() => client.end());
  }

  /** Keeps the service's database as it is now, as a backup does. Whoever is connected to it loses that. */
  async keep(service: Service): Promise<void> {
    const { name, kept, owner } = await this.setAside(service);
    await this.adminRows(`create database ${kept} template ${name} owner ${owner}`);
  }

  /** Sets the service's database back to what was kept of it: what it has written since is lost. */
  async setBack(service: Service): Promise<void> {
    const { name, kept } = await this.setAside(service);
    await this.adminRows(`drop database ${name} with (force)`);
    await this.adminRows(`alter database ${kept} rename to ${name}`);
  }

  private async setAside(service: Service): Promise<Record<'name' | 'kept' | 'owner', string>> {
    await this.pools.get(service)?.end();
    this.pools.delete(service);
    const database = new URL(this.installation.databaseUrl(service)).pathname.slice(1);
    await this.adminRows(
      `select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = ${escapeLiteral(database)}`,
    );
    const [name = '', kept = '', owner = ''] = [database, `${database}_kept`, `${database}_owner`].map(
      escapeIdentifier,
    );
    return { name, kept, owner };
  }

  async close(): Promise<void> {
    await this.admin?.end();
    await Promise.all([...this.pools.values()].map((pool) => pool.end()));
    this.pools.clear();
  }

  private pool(service: Service): Pool {
    const known = this.pools.get(service);
    if (known) return known;
    const pool = quiet(
      new Pool({
        connectionString: this.installation.databaseUrl(service),
        max: 3,
        application_name: 'payflow-e2e',
        // It looks at all tenants, as the service's own machinery does.
        options: `-c payflow.tenant=${EVERY_TENANT}`,
      }),
    );
    this.pools.set(service, pool);
    return pool;
  }
}

/** A server that a scenario kills takes idle connections with it. */
function quiet(pool: Pool): Pool {
  return pool.on('error', () => undefined);
}
