import { Module, type DynamicModule } from '@nestjs/common';
import { METRICS, type Service } from '@payflow/contracts';
import {
  openDatabase,
  statement,
  type Database,
  schemaGapOf,
  sqlState,
  type DatabaseOptions,
  type Rights,
  type Shares,
} from '@payflow/database';
import { Messaging, kafkajsBroker, withHeadStart, type Broker, type BrokerOptions } from '@payflow/messaging';
import { registerBreaker } from '@payflow/resilience';
import { gauge } from '@payflow/telemetry';
import type { CommonConfiguration } from './configuration/common-fields.js';
import { exitOnConfigurationError } from './configuration/configuration.js';
import { databaseBreaker } from './database-breaker.js';
import { Drain } from './drain.js';
import { Health, NotWell, type CheckLevel } from './health.js';
import { watchStatements } from './query-care.js';
import { refuseExcess } from './refuse-excess.js';
import { refusePools } from './refuse-pools.js';
import { refuseSchema } from './refuse-schema.js';
import { refuseTopics } from './refuse-topics.js';
import { StartUp } from './start-up.js';

/** Injection token of the service's {@link Database}. */
export const DATABASE = Symbol('database');
const BROKER = Symbol('broker');

/**
 * Injection token of the same {@link Database} for lists and reports: on connections of their own, and answered by a replica where
 * one lacks nothing that was committed before it was asked.
 */
export const REPORTS = Symbol('reports');

export interface PlatformOptions {
  readonly service: Service;
  readonly config: CommonConfiguration;
  readonly entities?: DatabaseOptions['entities'];
  /** What the service's role may do in its database; one that can do more is refused. */
  readonly rights: Rights;
  /** What `payflow setup` runs on its database; one on which anything else has run is refused. */
  readonly migrations?: readonly unknown[];
  /** How the service's connections are divided by what they are for. */
  readonly connections: Shares;
  /** How long a statement may take, ms; where requests wait, shorter than the platform's 10 s. */
  readonly statementTimeout_ms?: number;
  /** Whether requests are refused at once while the database is away, instead of each waiting for it. */
  readonly refusesWithoutDatabase?: true;
  /** Whether the service must get no traffic while Kafka is away. */
  readonly kafka: CheckLevel;
}

/** Opens the service's database and its messaging, with their readiness checks, and closes them in the drain. Global. */
@Module({})
export class PlatformModule {
  static with(options: PlatformOptions): DynamicModule {
    return {
      module: PlatformModule,
      global: true,
      providers: [
        {
          provide: DATABASE,
          inject: [Health, Drain, StartUp],
          useFactory: (health: Health, drain: Drain, startUp: StartUp) => database(options, health, drain, startUp),
        },
        {
          provide: BROKER,
          inject: [Drain, StartUp],
          useFactory: (drain: Drain, startUp: StartUp) => broker(options, drain, startUp),
        },
        { provide: REPORTS, inject: [DATABASE], useFactory: (db: Database) => db.for('reports').reading(0) },
        {
          provide: Messaging,
          inject: [DATABASE, BROKER, Health, StartUp],
          useFactory: (db: Database, broker: Broker, health: Health, startUp: StartUp) =>
            messaging(options, { db, broker, health, startUp }),
        },
      ],
      exports: [DATABASE, REPORTS, Messaging],
    };
  }
}

/** What the server says of a write where it takes none. */
const READ_ONLY = '25006';
// An error, so that the pool lets go of the connection: it stays read only when the server no longer is, or leads to one that another
// has followed, and without traffic nobody else would find out. And one statement: there is nothing to commit.
const PING = statement(
  'service.ping',
  `do $$ begin
     if current_setting('transaction_read_only') = 'on' then
       raise 'the server is read only' using errcode = '${READ_ONLY}';
     end if;
   end $$`,
);

async function database(
  { service, config, entities, rights, migrations, connections, ...care }: PlatformOptions,
  health: Health,
  drain: Drain,
  startUp: StartUp,
): Promise<Database> {
  const { statementTimeout_ms } = care;
  const breaker = care.refusesWithoutDatabase && databaseBreaker();
  const db = await startUp.part('database', () =>
    openDatabase({
      url: config.DATABASE_URL,
      poolSize: config.DATABASE_POOL_SIZE,
      ...(config.DATABASE_REPLICA_URLS ? { replicas: config.DATABASE_REPLICA_URLS } : {}),
      replicaPoolSize: config.DATABASE_REPLICA_POOL_SIZE,
      overflow: config.DATABASE_MAX_OVERFLOW,
      shares: connections,
      applicationName: `payflow-${service}`,
      ...(entities ? { entities } : {}),
      ...(breaker ? { guard: (work) => breaker.run(work) } : {}),
      ...(statementTimeout_ms ? { statementTimeout_ms } : {}),
    }),
  );
  // Before anything else is done with it: a role that can do too much must not have done anything.
  await startUp.part('rights', async () => {
    await refusePools(service, db, config);
    const ahead = config.DATABASE_SCHEMA_AHEAD;
    const isAhead = migrations && ahead === 'accept' && (await schemaGapOf(db, migrations)).unknown.length > 0;
    await refuseExcess(service, db, rights, { isAhead: isAhead ?? false });
    if (migrations) await refuseSchema(service, db, migrations, ahead);
  });
  const unwatch = watchStatements(db, config.SLOW_QUERY_MS);
  await startUp.beside('pool', () => db.warmUp());
  health.register({ name: 'postgres', level: 'required', run: pinging(db.for('relay')) });
  drain.on('pools', 'postgres', async () => {
    unwatch();
    await db.close();
  });
  measurePools(db);
  return db;
}

/** One ping at a time: where none is answered, each would hold a connection. A storm of requests must not make Postgres look away. */
function pinging(db: Database): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  return async () => {
    running ??= ping(db).finally(() => (running = undefined));
    await running;
  };
}

/** A server that answers and takes no writes is of no use to anybody here: a standby, or one that was made read only. */
async function ping(db: Database): Promise<void> {
  try {
    await db.rows(PING);
  } catch (error) {
    throw sqlState(error) === READ_ONLY ? new NotWell('read_only') : error;
  }
}

function measurePools(db: Database): void {
  const labels = ['pool', 'state'] as const;
  gauge(METRICS.databasePool, 'Connections of each pool, by state; `waiting`: requests for one.', labels, (metric) => {
    for (const { purpose: pool, total, idle, waiting, max } of db.pools()) {
      metric.set({ pool, state: 'busy' }, total - idle);
      metric.set({ pool, state: 'idle' }, idle);
      metric.set({ pool, state: 'waiting' }, waiting);
      metric.set({ pool, state: 'max' }, max);
    }
  });
}

/** Connects while the database is opened, except where one part must wait for the other. */
function broker({ service, config }: PlatformOptions, drain: Drain, { order }: StartUp): Broker {
  const kafka = kafkajsBroker(brokerOptions(service, config));
  if (order === 'one_by_one') return kafka;
  const early = withHeadStart(kafka, service, config.PAYFLOW_PARTITIONS);
  drain.on('pools', 'kafka', () => early.discard());
  return early;
}

interface MessagingParts {
  readonly db: Database;
  readonly broker: Broker;
  readonly health: Health;
  readonly startUp: StartUp;
}

async function messaging(
  { service, config, kafka }: PlatformOptions,
  { db, broker, health, startUp }: MessagingParts,
): Promise<Messaging> {
  const messaging = new Messaging({ broker, database: db, partitions: config.PAYFLOW_PARTITIONS });
  // A producer that fails is thrown away and another made, and until then everything stays in the outbox: as good as a breaker.
  registerBreaker('kafka', () => (messaging.health.producing ? 'closed' : 'open'));
  await startUp.beside('partitions', () => messaging.start());
  await startUp.beside('topics', () =>
    refuseTopics(service, {
      admin: () => messaging.admin(),
      profile: config.PAYFLOW_PARTITIONS,
      isDraining: () => health.draining,
      onRefused: exitOnConfigurationError,
    }),
  );
  health.register({
    name: 'kafka',
    level: kafka,
    run: () => {
      if (!messaging.health.producing) throw new NotWell('not_producing');
      if (!messaging.health.consuming) throw new NotWell('not_consuming');
    },
  });
  return messaging;
}

function brokerOptions(service: Service, config: CommonConfiguration): BrokerOptions {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
  return {
    brokers: [...config.KAFKA_BROKERS],
    clientId: config.KAFKA_CLIENT_ID ?? `payflow-${service}`,
    ...(config.KAFKA_PREFIX ? { prefix: config.KAFKA_PREFIX } : {}),
    ssl: config.KAFKA_SSL,
    ...(mechanism && username && password ? { sasl: { mechanism, username, password } } : {}),
  };
}
