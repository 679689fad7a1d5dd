import { setTimeout as delay } from 'node:timers/promises';
import { DataSource, type DataSourceOptions, type MixedList } from 'typeorm';
import type { PostgresDriver } from 'typeorm/driver/postgres/PostgresDriver.js';
import { Pool, types, type PoolConfig } from 'pg';
import { UnnamedStatements } from './care/unnamed-statements.js';
import { againAfterConflicts } from './conflicts.js';
import { isConnectionLoss } from './errors.js';
import { ConnectionPool, LIFETIME_MS, type Guard, type PoolName, type PoolStatus } from './pool/connection-pool.js';
import { Keeper } from './pool/keeper.js';
import { Pools } from './pool/pools.js';
import { sizer } from './pool/sizer.js';
import { divide, type Purpose, type Shares } from './pool/purpose.js';
import { transactionTaker } from './pool/taker.js';
import { ReadingDatabase } from './replicas/reading.js';
import { Replica } from './replicas/replica.js';
import { parseReplicaUrl } from './replicas/replica-url.js';
import { Replicas } from './replicas/replicas.js';
import type { Statement } from './statement.js';
import { Transaction, runAlone, runTransaction, type Row, type TransactionOptions } from './transaction.js';
import { EVERY_TENANT, forOrm, type Tenant } from './walls.js';

export interface DatabaseOptions {
  /** `postgres://role:password@host:port/database`, `?sslmode=verify-full` for TLS. */
  readonly url: string;
  /** Connections this process keeps. */
  readonly poolSize: number;
  /** Connections beyond those that it may have for a while, lent to whichever purpose waits for them. */
  readonly overflow?: number;
  /** Replicas of the database, each as {@link DatabaseOptions.url}; `?weight=2`: gets two reads for one of the others. */
  readonly replicas?: readonly string[];
  /** Connections to each replica. */
  readonly replicaPoolSize?: number;
  /** Divides the connections by what they are for; without, all are for everything. */
  readonly shares?: Shares;
  /** Shown in pg_stat_activity. */
  readonly applicationName: string;
  readonly entities?: MixedList<new () => object>;
  /** How long a request may wait for a free connection, ms. */
  readonly acquireTimeout_ms?: number;
  readonly statementTimeout_ms?: number;
  /** How long a connection lives at most, ms. */
  readonly lifetime_ms?: number;
  /** Stands before the work of requests, lists and reports: {@link Guard}. Consumers and the outbox have their own back-off. */
  readonly guard?: Guard;
  /** After how long a connection that is not given back is told of, ms. */
  readonly leakedAfter_ms?: number;
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

const REPLICA_POOL_SIZE = 4;

const INT8_OID = 20;
/** Most counters are zero, and all zeros one: each made anew is an object of its own wherever it is kept. */
const toBigint = (text: string): bigint => (text === '0' ? 0n : BigInt(text));
const parsers = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8_OID ? toBigint : types.getTypeParser(oid, format as 'text')) as typeof types.getTypeParser,
};

/** One service's database: TypeORM's DataSource for entities and its pool for everything on a hot path. */
export interface Database {
  readonly source: DataSource;
  /** The same database over the connections of a purpose; what is opened is `api`. */
  for(purpose: Purpose): Database;
  /**
   * The same database for reads alone, whose answers may be older than the primary's by so much, ms; 0: they lack nothing that
   * was committed before they were asked for. A replica answers where one is fresh enough, and the primary otherwise.
   */
  reading(staleness_max_ms: number): Database;
  /**
   * The same database for one tenant, by its UUID: row-level security shows and takes the tenant's rows alone, whatever a statement
   * asks for. What is opened speaks for every tenant.
   */
  as(tenant: Tenant): Database;
  /** What writes go to, and what only it can tell: who is at work. */
  readonly primary: Database;
  /** BEGIN, work, COMMIT; runs again on serialization failure and deadlock. */
  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** One statement outside any transaction of ours. */
  rows<R extends object = Row>(statement: Statement, values?: readonly unknown[]): Promise<R[]>;
  count(statement: Statement, values?: readonly unknown[]): Promise<number>;
  pools(): readonly PoolStatus[];
  /** Opens the connections that the pools keep: under load, opening one takes longer than a request may wait. */
  warmUp(): Promise<void>;
  close(): Promise<void>;
}

/** A service that starts together with its server waits for it so long, and then says that it is not there. */
const START_DEADLINE_MS = 30_000;
const START_RETRY_MS = 250;

/** Opens the pools of a service's database. Waits for a server that is still starting; throws when it does not come. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const sizes = options.shares && divide(options.poolSize, options.shares);
  const { api, ...others } = sizes ?? { api: options.poolSize };
  const source = await initialize(
    new DataSource(dataSourceOptions(options, api)),
    performance.now() + START_DEADLINE_MS,
  );
  const driver = source.driver as PostgresDriver;
  const own = new ConnectionPool('api', driver.master as Pool, options.lifetime_ms, options.guard);
  driver.master = forOrm(driver.master as Pool);
  const separate = Object.entries(others).map(([purpose, size]) =>
    separatePool(purpose as Purpose, options, size as number),
  );
  const all = [own, ...separate] as const;
  const keeper = new Keeper(all, { ...options, onUse: sizer(options.overflow ?? 0) });
  const pools = new Pools([...all], keeper);
  return new PooledDatabase(source, pools, 'api', await openReplicas(options, pools.of('api')));
}

async function openReplicas(options: DatabaseOptions, primary: ConnectionPool): Promise<Replicas | undefined> {
  const { replicas, replicaPoolSize = REPLICA_POOL_SIZE } = options;
  if (!replicas || replicas.length === 0) return undefined;
  const all = replicas.map(parseReplicaUrl).map(({ url, name, weight }) => {
    const poolOf = (size: number) => separatePool(`replica ${name}`, { ...options, url }, size);
    return new Replica(name, weight, poolOf(replicaPoolSize), poolOf(1));
  });
  const keeper = new Keeper(
    all.map(({ connections }) => connections),
    options,
  );
  const opened = new Replicas(all, keeper, (statement) =>
    primary.withClient(statement, (client) => new Transaction(client).rows(statement)),
  );
  await opened.start();
  return opened;
}

function separatePool(purpose: PoolName, options: DatabaseOptions, size: number): ConnectionPool {
  const clients = new Pool({
    connectionString: options.url,
    application_name: `${options.applicationName}:${purpose.replace(/ .*/, '')}`,
    ...poolOptions(options, size),
  });
  const guard = purpose === 'reports' ? options.guard : undefined;
  return new ConnectionPool(purpose, clients, options.lifetime_ms, guard);
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

function dataSourceOptions(options: DatabaseOptions, size: number): DataSourceOptions {
  return {
    type: 'postgres',
    url: options.url,
    applicationName: options.applicationName,
    entities: options.entities ?? [],
    subscribers: [UnnamedStatements],
    synchronize: false,
    logging: false,
    extra: poolOptions(options, size),
  };
}

function poolOptions(options: DatabaseOptions, size: number): PoolConfig {
  const statementTimeout_ms = options.statementTimeout_ms ?? STATEMENT_TIMEOUT_MS;
  return {
    max: size,
    // Connections that are open stay open: the next burst should not have to wait for new ones.
    min: size,
    pipeline: true,
    types: parsers,
    connectionTimeoutMillis: options.acquireTimeout_ms ?? ACQUIRE_TIMEOUT_MS,
    idleTimeoutMillis: 60_000,
    // For a connection that is opened before the pool is ours.
    maxLifetimeSeconds: (options.lifetime_ms ?? LIFETIME_MS) / 1_000,
    statement_timeout: statementTimeout_ms,
    query_timeout: statementTimeout_ms + SILENCE_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    keepAlive: true,
  };
}

class PooledDatabase implements Database {
  private readonly connections: ConnectionPool;

  constructor(
    readonly source: DataSource,
    private readonly all: Pools,
    private readonly purpose: Purpose,
    private readonly replicas: Replicas | undefined,
    private readonly tenant: Tenant = EVERY_TENANT,
  ) {
    this.connections = all.of(purpose);
  }

  for(purpose: Purpose): Database {
    return purpose === this.purpose ? this : this.but(purpose, this.tenant);
  }

  as(tenant: Tenant): Database {
    return tenant === this.tenant ? this : this.but(this.purpose, tenant);
  }

  reading(staleness_max_ms: number): Database {
    return this.replicas ? new ReadingDatabase(this, this.replicas, staleness_max_ms, this.tenant) : this;
  }

  get primary(): Database {
    return this;
  }

  transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const by = transactionTaker();
    return againAfterConflicts(() =>
      this.connections.withClient(by, (client) => runTransaction(client, work, this.tenant, options), this.tenant),
    );
  }

  rows<R extends object = Row>(statement: Statement, values: readonly unknown[] = []): Promise<R[]> {
    return this.alone(statement, (client) => client.rows<R>(statement, values));
  }

  count(statement: Statement, values: readonly unknown[] = []): Promise<number> {
    return this.alone(statement, (client) => client.count(statement, values));
  }

  pools(): readonly PoolStatus[] {
    return this.all.statuses();
  }

  warmUp(): Promise<void> {
    return this.all.warmUp();
  }

  async close(): Promise<void> {
    await this.replicas?.close();
    await Promise.all([this.all.close(), this.source.destroy()]);
  }

  private alone<T>(statement: Statement, run: (one: Transaction) => Promise<T>): Promise<T> {
    return this.connections.withClient(statement, (client) => runAlone(client, run, this.tenant), this.tenant);
  }

  private but(purpose: Purpose, tenant: Tenant): Database {
    return new PooledDatabase(this.source, this.all, purpose, this.replicas, tenant);
  }
}
