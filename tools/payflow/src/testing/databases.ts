import type { Service } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { MIGRATIONS } from '../installation.js';

/** One service's database in a spec: as the reader looks at it, and for a superuser past whom no trigger comes. */
export class Tampered {
  #db: TestDatabase | undefined;
  #client: Client | undefined;

  get database(): Database {
    if (!this.#db) throw new Error('the databases are made before all tests');
    return this.#db.database;
  }

  async query<R extends object = Record<string, unknown>>(text: string, values?: unknown[]): Promise<R[]> {
    if (!this.#client) throw new Error('the databases are made before all tests');
    return (await this.#client.query<R & Record<string, unknown>>(text, values)).rows;
  }

  async open(service: Service, prepare: string): Promise<void> {
    this.#db = await createTestDatabase(service, MIGRATIONS[service]);
    this.#client = new Client({ connectionString: this.#db.adminUrl });
    await this.#client.connect();
    await this.#client.query(`set session_replication_role = replica; ${prepare}`);
  }

  async close(): Promise<void> {
    await this.#client?.end();
    await this.#db?.drop();
  }
}

/** What each service's tables need before rows are written to them: their months. */
const PREPARE: { readonly [service in Service]?: string } = { archiver: 'select ensure_partitions(1)' };

/** Databases of services side by side, of which a spec writes what it likes. They live for as long as the file's tests. */
export function databasesOf<S extends Service>(...services: readonly S[]): Readonly<Record<S, Tampered>> {
  const databases = Object.fromEntries(services.map((service) => [service, new Tampered()])) as Record<S, Tampered>;
  beforeAll(async () => {
    await Promise.all(services.map((service) => databases[service].open(service, PREPARE[service] ?? '')));
  });
  afterAll(async () => {
    await Promise.all(services.map((service) => databases[service].close()));
  });
  return databases;
}

/** An event as the archiver keeps it, ids as UUIDs but for the subject and the causation. */
export interface Archived {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly event: string;
  readonly topic: 'ledger' | 'payments';
  readonly type: string;
  readonly subject: string;
  readonly version?: number;
  readonly causation?: string;
  readonly actor?: string;
  readonly data: object;
  /** RFC 3339; now where it is left out. */
  readonly at?: string;
}

export async function archived(archiver: Tampered, event: Archived): Promise<void> {
  await archiver.query(
    `insert into archived_events (tenant_id, livemode, event_id, id_time, topic, type, subject, aggregate_version, causation_id,
       correlation_id, actor, data)
     values ($1, $2, $3, coalesce($4::timestamptz, now()), $5, $6, $7, $8, $9, '', $10, $11)`,
    [
      event.tenant,
      event.livemode,
      event.event,
      event.at ?? null,
      `${event.topic}.events.v1`,
      event.type,
      event.subject,
      event.version ?? 1,
      event.causation ?? '',
      event.actor ?? 'spec',
      JSON.stringify(event.data),
    ],
  );
}
