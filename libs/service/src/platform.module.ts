import { Module, type DynamicModule } from '@nestjs/common';
import { METRICS, type Service } from '@payflow/contracts';
import { openDatabase, statement, type Database, type DatabaseOptions, type Rights } from '@payflow/database';
import { Messaging, type MessagingOptions } from '@payflow/messaging';
import { gauge } from '@payflow/telemetry';
import type { CommonConfiguration } from './configuration/common-fields.js';
import { Drain } from './drain.js';
import { Health, NotWell, type CheckLevel } from './health.js';
import { watchStatements } from './query-care.js';
import { refuseExcess } from './refuse-excess.js';

/** Injection token of the service's {@link Database}. */
export const DATABASE = Symbol('database');

export interface PlatformOptions {
  readonly service: Service;
  readonly config: CommonConfiguration;
  readonly entities?: DatabaseOptions['entities'];
  /** What the service's role may do in its database; one that can do more is refused. */
  readonly rights: Rights;
  /** How long a statement may take, ms; where requests wait, shorter than the platform's 10 s. */
  readonly statementTimeout_ms?: number;
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
          inject: [Health, Drain],
          useFactory: (health: Health, drain: Drain) => database(options, health, drain),
        },
        {
          provide: Messaging,
          inject: [DATABASE, Health],
          useFactory: (db: Database, health: Health) => messaging(options, db, health),
        },
      ],
      exports: [DATABASE, Messaging],
    };
  }
}

const PING = statement('service.ping', 'select 1');

async function database(
  { service, config, entities, rights, statementTimeout_ms }: PlatformOptions,
  health: Health,
  drain: Drain,
): Promise<Database> {
  const db = await openDatabase({
    url: config.DATABASE_URL,
    poolSize: config.DATABASE_POOL_SIZE,
    applicationName: `payflow-${service}`,
    ...(entities ? { entities } : {}),
    ...(statementTimeout_ms ? { statementTimeout_ms } : {}),
  });
  const unwatch = watchStatements(db, config.SLOW_QUERY_MS);
  await refuseExcess(service, db, rights);
  await warmUp(db, config.DATABASE_POOL_SIZE);
  health.register({ name: 'postgres', level: 'required', run: pinging(db) });
  drain.on('pools', 'postgres', async () => {
    unwatch();
    await db.close();
  });
  measurePool(db);
  return db;
}

/**
 * Opens the pool's connections before there is traffic: under load, opening one takes longer than a request may wait. One
 * after the other, each held while the next is opened; what cannot be opened now is opened when it is needed.
 */
async function warmUp(db: Database, connections: number): Promise<void> {
  if (connections === 0) return;
  await db
    .transaction(async (tx) => {
      await tx.rows(PING);
      await warmUp(db, connections - 1);
    })
    .catch(() => undefined);
}

/** One ping at a time: where none is answered, each would hold a connection of the pool. */
function pinging(db: Database): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  return async () => {
    running ??= db.rows(PING).finally(() => (running = undefined));
    await running;
  };
}

function measurePool(db: Database): void {
  gauge(METRICS.databasePool, 'Connections of the pool, by state.', ['state'] as const, (metric) => {
    const { total, idle, waiting, max } = db.pool();
    metric.set({ state: 'busy' }, total - idle);
    metric.set({ state: 'idle' }, idle);
    metric.set({ state: 'waiting' }, waiting);
    metric.set({ state: 'max' }, max);
  });
}

async function messaging(
  { service, config, kafka }: PlatformOptions,
  db: Database,
  health: Health,
): Promise<Messaging> {
  const messaging = new Messaging({
    broker: brokerOptions(service, config),
    database: db,
    partitions: config.PAYFLOW_PARTITIONS,
  });
  await messaging.start();
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

function brokerOptions(service: Service, config: CommonConfiguration): MessagingOptions['broker'] {
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
  return {
    brokers: [...config.KAFKA_BROKERS],
    clientId: config.KAFKA_CLIENT_ID ?? `payflow-${service}`,
    ...(config.KAFKA_PREFIX ? { prefix: config.KAFKA_PREFIX } : {}),
    ssl: config.KAFKA_SSL,
    ...(mechanism && username && password ? { sasl: { mechanism, username, password } } : {}),
  };
}
