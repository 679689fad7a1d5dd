import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { types, type Pool, type PoolClient } from 'pg';
import { UnnamedStatements } from './care/unnamed-statements.js';
import { isConnectionLoss, isSerializationConflict } from './errors.js';
import type { Statement } from './statement.js';
import { Transaction, runTransaction, type Row } from './transaction.js';

export interface DatabaseOptions {
  /** `postgres://role:password@host:port/database`, `?sslmode=verify-full` for TLS. */
  readonly url: string;
  /** Connections this process may hold. */
  readonly poolSize: number;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly entities?: MixedList<new () => object>;
  /** How long a request may wait for a free connection, ms. */
  readonly acquireTimeout_ms?: number;
  readonly statementTimeout_ms?: number;
}

const ACQUIRE_TIMEOUT_MS = 800;
const STATEMENT_TIMEOUT_MS = 10_000;
/**
 * The server ends a statement that takes too long; one that stays silent beyond that is gone with its machine or its
 * network, and the connection is dropped. Without it, packets that vanish would hold the whole pool for a quarter of an hour.
 */
const SILENCE_MS = 1_000;
/** Below the consumer group's session time-out: a process stopped inside a transaction must not hold up its successor. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
/** A transaction that lost a race to another runs again at once; one that keeps losing is an error of ours. */
const CONFLICT_ATTEMPTS_MAX = 10;

const INT8_OID = 20;
const parsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID
      ? (text: string) => BigInt(text)
      : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser,
};

/** One service's database: TypeORM's DataSource for entities and its pool for everything on a hot path. */
export interface Database {
  readonly source: DataSource;
  /** BEGIN, work, COMMIT; runs again on serialization failure and deadlock. */
  transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T>;
  /** One statement outside any transaction of ours. */
  rows<R extends object = Row>(statement: Statement, values?: readonly unknown[]): Promise<R[]>;
  count(statement: Statement, values?: readonly unknown[]): Promise<number>;
  pool(): { total: number; idle: number; waiting: number; max: number };
  close(): Promise<void>;
}

/** A service that starts together with its server waits for it so long, and then says that it is not there. */
const START_DEADLINE_MS = 30_000;
const START_RETRY_MS = 250;

/** Opens the pool of a service's database. Waits for a server that is still starting; throws when it does not come. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const source = await initialize(new DataSource(dataSourceOptions(options)), performance.now() + START_DEADLINE_MS);
  return new PooledDatabase(source, (source.driver as PostgresDriver).master as Pool, options.poolSize);
}

async function initialize(source: DataSource, until_ms: number): Promise<DataSource> {
  for (;;) {
    try {
      return await source.initialize();
    } catch (error) {
      if (!isConnectionLoss(error) || performance.now() > until_ms) throw error;
      await delay(START_RETRY_MS);
    }
  }
}

function dataSourceOptions(options: DatabaseOptions): DataSourceOptions {
  const statementTimeout_ms = options.statementTimeout_ms ?? STATEMENT_TIMEOUT_MS;
  return {
    type: 'postgres',
    url: options.url,
    applicationName: options.applicationName,
    entities: options.entities ?? [],
    subscribers: [UnnamedStatements],
    synchronize: false,
    logging: false,
    extra: {
      max: options.poolSize,
      // Connections that are open stay open: the next burst should not have to wait for new ones.
      min: options.poolSize,
      pipeline: true,
      types: parsers,
      connectionTimeoutMillis: options.acquireTimeout_ms ?? ACQUIRE_TIMEOUT_MS,
      idleTimeoutMillis: 60_000,
      statement_timeout: statementTimeout_ms,
      query_timeout: statementTimeout_ms + SILENCE_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
      keepAlive: true,
    },
  };
}

class PooledDatabase implements Database {
  constructor(
    readonly source: DataSource,
    private readonly clients: Pool,
    private readonly size: number,
  ) {
    // An idle client whose server went away; the pool removes it by itself, and without a listener the process would end.
    clients.on('error', () => undefined);
  }

  async transaction<T>(work: (tx: Transaction) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.withClient((client) => runTransaction(client, work));
      } catch (error) {
        if (!isSerializationConflict(error) || attempt >= CONFLICT_ATTEMPTS_MAX) throw error;
      }
    }
  }

  async rows<R extends object = Row>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    return this.withClient((client) => new Transaction(client).rows<R>(statement, values));
  }

  async count(statement: Statement, values: readonly unknown[] = []): Promise<number> {
    return this.withClient((client) => new Transaction(client).count(statement, values));
  }

  pool() {
    const { totalCount: total, idleCount: idle, waitingCount: waiting } = this.clients;
    return { total, idle, waiting, max: this.size };
  }

  async close(): Promise<void> {
    await this.source.destroy();
  }

  private async withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.clients.connect();
    let lost: Error | undefined;
    // A checked-out client reports a dead backend as an event: unheard, it would end the process.
    const onError = (error: Error) => {
      lost = error;
    };
    client.on('error', onError);
    try {
      return await work(client);
    } finally {
      client.off('error', onError);
      client.release(lost);
    }
  }
}
