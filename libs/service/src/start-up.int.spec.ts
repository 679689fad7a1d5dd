import { Module, type DynamicModule } from '@nestjs/common';
import {
  MESSAGING_RIGHTS,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
} from '@payflow/messaging';
import { configureLogging } from '@payflow/telemetry';
import {
  createTestDatabase,
  createTestTopics,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Health,
  PlatformModule,
  START_UP_ORDERS,
  commonFields,
  defineConfiguration,
  readConfiguration,
  startService,
  type StartUpOrder,
} from './index.js';

const configuration = {
  ...defineConfiguration('archiver', commonFields({ port: 0, database: 'archiver' })),
  service: 'archiver' as const,
};

@Module({})
class SpecModule {}

const CONNECTIONS = { api: 1, consumers: 1, relay: 1, reports: 1 };
const prefix = `${uniqueSuffix()}.`;
let db: TestDatabase;

beforeAll(async () => {
  const brokers = testServers().kafka;
  [db] = await Promise.all([
    createTestDatabase('archiver', [
      MessagingTables1763700000000,
      MessagingGuards1763700013000,
      MessagingPartitions1764100040001,
      MESSAGING_RIGHTS,
    ]),
    createTestTopics({ brokers, clientId: 'spec', prefix }),
  ]);
});
afterAll(() => db.drop());

function start(order: StartUpOrder, change: NodeJS.ProcessEnv = {}) {
  const config = readConfiguration(configuration, {
    NODE_ENV: 'test',
    OTEL_TRACES_EXPORTER: 'none',
    LOG_LEVEL: 'silent',
    PORT: '0',
    DATABASE_URL: db.url,
    KAFKA_BROKERS: testServers().kafka.join(','),
    KAFKA_PREFIX: prefix,
    PAYFLOW_START_UP: order,
    ...change,
  });
  const module = (): DynamicModule => ({
    module: SpecModule,
    imports: [
      PlatformModule.with({
        service: 'archiver',
        config,
        rights: MESSAGING_RIGHTS,
        connections: CONNECTIONS,
        kafka: 'required',
      }),
    ],
  });
  return startService({ configuration, module }, config);
}

/** From now on, for connections that are opened from now on. */
async function writes(are: 'allowed' | 'refused'): Promise<void> {
  const { username, pathname } = new URL(db.url);
  const how = are === 'allowed' ? 'reset default_transaction_read_only' : 'set default_transaction_read_only = on';
  await asAdmin(`alter role ${username} in database ${pathname.slice(1)} ${how}`);
}

async function asAdmin(text: string): Promise<unknown[]> {
  const admin = new Client({ connectionString: db.adminUrl });
  await admin.connect();
  try {
    return (await admin.query(text)).rows as unknown[];
  } finally {
    await admin.end();
  }
}

describe.each(START_UP_ORDERS)('a start, %s', (order) => {
  it('ends ready, and tells what took the time', async () => {
    const lines: string[] = [];
    configureLogging({ stream: { write: (line) => void lines.push(line) } });
    const running = await start(order, { LOG_LEVEL: 'info' });
    const line = await until('it is ready', () => lines.find((line) => line.includes('"msg":"ready"')));
    configureLogging({ level: 'silent' });
    await running.stop();
    const told = JSON.parse(line) as { ready_ms: number; order: string; parts_ms: Record<string, number> };
    expect(told).toMatchObject({ order, ready_ms: expect.any(Number) as number });
    expect(Object.keys(told.parts_ms)).toEqual(
      expect.arrayContaining(['code', 'database', 'rights', 'pool', 'partitions', 'http']),
    );
    expect(Object.keys(told.parts_ms).includes('schemas')).toBe(order === 'one_by_one');
  });

  it('fails with the reason when the coming partitions cannot be made', async () => {
    await asAdmin('alter function partitions_due(integer) rename to due_ones');
    try {
      await expect(start(order)).rejects.toThrow(/partitions_due/);
    } finally {
      await asAdmin('alter function due_ones(integer) rename to partitions_due');
    }
  });

  it('fails before it has done anything as a role that can do too much', async () => {
    const before = await asAdmin('select * from partitions_ahead() order by 1');
    await asAdmin(`do $$ declare child regclass; begin
      for child in select inhrelid::regclass from pg_inherits where inhparent = 'outbox'::regclass order by inhrelid::regclass::text desc limit 1
      loop execute format('drop table %s', child); end loop; end $$`);
    const reduced = await asAdmin('select * from partitions_ahead() order by 1');
    expect(reduced).not.toEqual(before);
    await expect(start(order, { DATABASE_URL: db.adminUrl })).rejects.toThrow(/can do more than the archiver service/);
    expect(await asAdmin('select * from partitions_ahead() order by 1')).toEqual(reduced);
  });
});

describe('a server that takes no writes', () => {
  it('is one that the service is not ready with, until it takes them again', async () => {
    const running = await start('parallel');
    const health = running.app.get(Health, { strict: false });
    const told = async () => {
      const { status, checks } = await health.report();
      return { status, reason: checks.find(({ name }) => name === 'postgres')?.reason };
    };
    try {
      await until('it is ready', async () => (await told()).status === 'ready');
      await writes('refused');
      await asAdmin(`select pg_terminate_backend(pid) from pg_stat_activity
                     where application_name like 'payflow-archiver%' and datname = current_database()`);
      const { status } = await until('it says why', async () => {
        const now = await told();
        return now.reason === 'read_only' && now;
      });
      expect(status).toBe('unavailable');
      // Nobody asks it for anything now, and its connections stay as they were opened.
      await writes('allowed');
      await until('it is ready again', async () => (await told()).status === 'ready');
    } finally {
      await writes('allowed');
      await running.stop();
    }
  });
});
