import type { Service } from '@payflow/contracts';
import { Pool, type QueryResultRow } from 'pg';
import type { Installation } from './installation.js';

/** The services' databases as a checker reads them: as each service's own role, from outside. */
export class Databases {
  private readonly pools = new Map<Service, Pool>();

  constructor(private readonly installation: Installation) {}

  /** Rows of a statement on one service's database. int8 and numeric come as text. */
  async rows<R extends QueryResultRow>(service: Service, text: string, values: readonly unknown[] = []): Promise<R[]> {
    return (await this.pool(service).query<R>(text, [...values])).rows;
  }

  /** The first column of the first row. */
  async value<T>(service: Service, text: string, values: readonly unknown[] = []): Promise<T> {
    const [row] = await this.rows<Record<string, T>>(service, text, values);
    return Object.values(row ?? {})[0] as T;
  }

  async close(): Promise<void> {
    await Promise.all([...this.pools.values()].map((pool) => pool.end()));
    this.pools.clear();
  }

  private pool(service: Service): Pool {
    const known = this.pools.get(service);
    if (known) return known;
    const pool = new Pool({
      connectionString: this.installation.databaseUrl(service),
      max: 3,
      application_name: 'payflow-e2e',
    });
    // A server that a scenario kills takes idle connections with it.
    pool.on('error', () => undefined);
    this.pools.set(service, pool);
    return pool;
  }
}
