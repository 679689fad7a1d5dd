import { METRICS } from '@payflow/contracts';
import { counter } from '@payflow/telemetry';
import type { DataSource } from 'typeorm';
import type { Database } from '../database.js';
import { isConnectionLoss, sqlState } from '../errors.js';
import type { PoolStatus } from '../pool/connection-pool.js';
import { transactionTaker, type Taker } from '../pool/taker.js';
import type { Purpose } from '../pool/purpose.js';
import type { Statement } from '../statement.js';
import { runAlone, runTransaction, type Row, type Transaction, type TransactionOptions } from '../transaction.js';
import { EVERY_TENANT, type Tenant } from '../walls.js';
import type { Replicas } from './replicas.js';
import type { PoolClient } from 'pg';

const reads = counter(
  METRICS.databaseReads,
  'Reads that a replica may answer: by a `replica`; by the `primary`, as no replica was fresh enough; `again`: by the primary, after a replica had failed.',
  ['by'] as const,
);

/** Replaying what the primary did took precedence over the read: the replica cancelled it. */
const REPLAY_CONFLICTS = new Set(['40001', '40P01']);

/** A database that is only read: by a replica where one is fresh enough, and by the primary otherwise. */
export class ReadingDatabase implements Database {
  constructor(
    readonly primary: Database,
    private readonly replicas: Replicas,
    private readonly staleness_max_ms: number,
    private readonly tenant: Tenant = EVERY_TENANT,
  ) {}

  get source(): DataSource {
    return this.primary.source;
  }

  for(purpose: Purpose): Database {
    return new ReadingDatabase(this.primary.for(purpose), this.replicas, this.staleness_max_ms, this.tenant);
  }

  reading(staleness_max_ms: number): Database {
    return new ReadingDatabase(this.primary, this.replicas, staleness_max_ms, this.tenant);
  }

  as(tenant: Tenant): Database {
    return new ReadingDatabase(this.primary.as(tenant), this.replicas, this.staleness_max_ms, tenant);
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    return this.read(
      transactionTaker(),
      (client) => runTransaction(client, work, this.tenant, options),
      () => this.primary.transaction(work, options),
    );
  }

  rows<R extends object = Row>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    return this.read(
      statement,
      (client) => runAlone(client, (one) => one.rows<R>(statement, values), this.tenant),
      () => this.primary.rows<R>(statement, values),
    );
  }

  count(statement: Statement, values?: readonly unknown[]): Promise<number> {
    return this.primary.count(statement, values);
  }

  pools(): readonly PoolStatus[] {
    return this.primary.pools();
  }

  warmUp(): Promise<void> {
    return this.primary.warmUp();
  }

  close(): Promise<void> {
    return this.primary.close();
  }

  private async read<T>(
    by: Taker,
    onReplica: (client: PoolClient) => Promise<T>,
    onPrimary: () => Promise<T>,
  ): Promise<T> {
    const replica = await this.replicas.choose(this.staleness_max_ms);
    if (!replica) {
      reads.inc({ by: 'primary' });
      return onPrimary();
    }
    try {
      const answer = await replica.connections.withClient(by, onReplica, this.tenant);
      reads.inc({ by: 'replica' });
      return answer;
    } catch (error) {
      if (!isReplicasFault(error)) throw error;
      reads.inc({ by: 'again' });
      return await onPrimary();
    } finally {
      replica.active--;
    }
  }
}

/** Whether the primary may well answer what the replica did not. */
function isReplicasFault(error: unknown): boolean {
  return (
    isConnectionLoss(error) || isConnectionLoss((error as Error).cause) || REPLAY_CONFLICTS.has(sqlState(error) ?? '')
  );
}
