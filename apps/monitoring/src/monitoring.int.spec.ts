import { Module, type DynamicModule } from '@nestjs/common';
import { newId, uuidOf, type MessageData, type Service } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { INVARIANT_RIGHTS, InvariantTables1763700002000, InvariantsModule, noOldOutboxRow } from '@payflow/invariants';
import {
  MESSAGING_RIGHTS,
  Messaging,
  MessagingGuards1763700013000,
  MessagingPartitions1764100040001,
  MessagingTables1763700000000,
  type AnyOutgoing,
} from '@payflow/messaging';
import {
  DATABASE,
  PlatformModule,
  commonFields,
  defineConfiguration,
  readConfiguration,
  signInternalToken,
  startService,
  type RunningService,
} from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrations } from './database/index.js';
import { monitoringConfiguration } from './monitoring.config.js';
import { CONNECTIONS, MonitoringModule } from './monitoring.module.js';
import type { DatabasesAnswer } from './sampling/databases.js';
import { KeptPayments, ToldPayments, told } from './testing/told-payments.js';
import { Watch, type HealthAnswer, type SummaryAnswer } from './watch.js';

const tenant = newId('tenant');
const origin = { tenant, livemode: false, actor: 'spec' };
const prefix = `${uniqueSuffix()}.`;
const NEIGHBOURS = ['gateway', 'payments', 'ledger', 'archiver'] as const;

@Module({})
class NeighbourModule {}

const environment = (databaseUrl: string): NodeJS.ProcessEnv => ({
  NODE_ENV: 'test',
  OTEL_TRACES_EXPORTER: 'none',
  LOG_LEVEL: 'silent',
  PORT: '0',
  DATABASE_URL: databaseUrl,
  KAFKA_BROKERS: testServers().kafka.join(','),
  KAFKA_PREFIX: prefix,
});

/** What every service is made of, without its business: readiness, metrics, internal endpoints, outbox. */
async function startNeighbour(service: Service): Promise<{ running: RunningService; db: TestDatabase }> {
  const rights = { ...MESSAGING_RIGHTS, ...INVARIANT_RIGHTS };
  const db = await createTestDatabase(service, [
    MessagingTables1763700000000,
    InvariantTables1763700002000,
    MessagingGuards1763700013000,
    MessagingPartitions1764100040001,
    rights,
  ]);
  const configuration = { ...defineConfiguration(service, commonFields({ port: 0, database: service })), service };
  const config = readConfiguration(configuration, environment(db.url));
  const invariants = [noOldOutboxRow(`spec-${service}`)];
  const module = (): DynamicModule => ({
    module: NeighbourModule,
    controllers: service === 'gateway' ? [ToldPayments] : service === 'payments' ? [KeptPayments] : [],
    imports: [
      PlatformModule.with({ service, config, rights, connections: CONNECTIONS, kafka: 'required' }),
      InvariantsModule.with({ invariants, secret: config.PAYFLOW_INTERNAL_SECRET }),
    ],
  });
  return { running: await startService({ configuration, module }, config), db };
}

function ended(status: 'succeeded' | 'failed', latency_ms: number): AnyOutgoing {
  const id = newId('payment');
  const now = Date.now();
  const data: MessageData['payflow.payment.succeeded.v1'] = {
    id,
    status,
    source: newId('account'),
    destination: newId('account'),
    amount: '1',
    asset: 'USD',
    amount_captured: '0',
    amount_refunded: '0',
    method: { type: 'internal' },
    reference: null,
    metadata: {},
    failure: status === 'failed' ? { code: 'insufficient_funds' } : null,
    version: 1,
    created_at: new Date(now - latency_ms).toISOString(),
    updated_at: new Date(now).toISOString(),
    accounts: [],
  };
  return { type: `payflow.payment.${status}.v1`, subject: id, data, origin, aggregateVersion: 1 };
}

describe('monitoring over four services', () => {
  const neighbours = new Map<Service, { running: RunningService; db: TestDatabase }>();
  let db: TestDatabase;
  let running: RunningService;
  let base: string;
  let secret: string;

  beforeAll(async () => {
    await createTestTopics({ brokers: testServers().kafka, clientId: 'spec', prefix });
    for (const service of NEIGHBOURS) neighbours.set(service, await startNeighbour(service));
    db = await createTestDatabase('monitoring', migrations);
    const urls = await Promise.all(
      [...neighbours].map(
        async ([service, { running }]) =>
          [`PAYFLOW_INTERNAL_${service.toUpperCase()}_URL`, await running.app.getUrl()] as const,
      ),
    );
    const config = readConfiguration(monitoringConfiguration, { ...environment(db.url), ...Object.fromEntries(urls) });
    secret = config.PAYFLOW_INTERNAL_SECRET;
    running = await startService(
      { configuration: monitoringConfiguration, module: () => MonitoringModule.with(config) },
      config,
    );
    base = await running.app.getUrl();
  });
  afterAll(async () => {
    await running.stop();
    for (const { running, db } of neighbours.values()) {
      await running.stop();
      await db.drop();
    }
    await db.drop();
  });

  const token = (scopes: string[]) => ({
    authorization: `Bearer ${signInternalToken(secret, { tenant, livemode: false, actor: 'key', scopes }, Date.now())}`,
  });
  const read = async <T>(path: string) =>
    (await (await fetch(`${base}/api/v1/monitoring/${path}`, { headers: token(['monitoring:read']) })).json()) as T;
  const health = () => read<HealthAnswer>('health');
  const summary = () => read<SummaryAnswer>('summary');
  const neighbour = (service: Service) => neighbours.get(service) as { running: RunningService; db: TestDatabase };

  async function send(from: Service, ...messages: AnyOutgoing[]): Promise<void> {
    const { app } = neighbour(from).running;
    const database = app.get<Database>(DATABASE, { strict: false });
    const staged = await database.transaction((tx) =>
      app.get(Messaging, { strict: false }).outbox.stage(tx, messages, () => undefined),
    );
    staged.publish();
  }

  it('tells nobody without an internal token and its scope', async () => {
    expect((await fetch(`${base}/api/v1/monitoring/health`)).status).toBe(401);
    expect((await fetch(`${base}/api/v1/monitoring/summary`, { headers: token(['payments:read']) })).status).toBe(403);
  });

  it('finds all of them well, and says how old its word is', async () => {
    const well = await until('all is well', async () => {
      const answer = await health();
      return answer.status === 'ok' ? answer : undefined;
    });
    expect(well.services.map(({ service, status }) => `${service} ${status}`)).toEqual(
      [...NEIGHBOURS, 'monitoring'].map((service) => `${service} ready`),
    );
    expect(well.reasons).toEqual([]);
    for (const { age_seconds } of well.services) expect(age_seconds).toBeLessThan(5);
  });

  it('counts payments by the minute, with their latency', async () => {
    await send(
      'payments',
      ...Array.from({ length: 60 }, (_, at) => ended('succeeded', at < 58 ? 40 : 900)),
      ended('failed', 40),
    );
    const minutes = await until('all are counted', async () => {
      const { throughput } = await summary();
      return throughput.minutes.reduce((sum, { payments }) => sum + payments, 0) === 61
        ? throughput.minutes
        : undefined;
    });
    const statuses = minutes.flatMap(({ by_status }) => Object.entries(by_status));
    expect(statuses.reduce((sum, [status, count]) => sum + (status === 'failed' ? count : 0), 0)).toBe(1);
    expect(minutes[0]?.latency_ms.p50).toBeGreaterThan(30);
    expect(minutes[0]?.latency_ms.p50).toBeLessThanOrEqual(50);
    expect(minutes[0]?.latency_ms.p99).toBeGreaterThan(700);
  });

  it('measures the lag of a reader in messages and in seconds, and of one without a position', async () => {
    const open = (id: string): AnyOutgoing => ({
      type: 'payflow.account.open.v1',
      subject: id,
      data: {
        id,
        path: null,
        asset: 'USD',
        kind: 'liability',
        overdraft: 'none',
        overdraft_limit: '0',
        metadata: {},
        created_at: new Date().toISOString(),
      },
      origin,
    });
    await send('gateway', ...Array.from({ length: 20 }, () => open(newId('account'))));
    const lags = async (group: string) => (await summary()).lags.filter((lag) => lag.group === group);
    const sum = (all: readonly { lag_messages: number | null }[]) =>
      all.reduce((total, { lag_messages }) => total + (lag_messages ?? 0), 0);
    await until('the ledger is 20 behind', async () => sum(await lags('ledger.commands')) === 20);
    const [first] = (await lags('ledger.commands')).filter(({ lag_messages }) => (lag_messages ?? 0) > 1);
    const { partition = 0, high_watermark = 0, lag_seconds } = first ?? {};
    expect(lag_seconds).toBeGreaterThanOrEqual(0);
    await neighbour('ledger').db.database.rows(
      statement(
        'spec.position',
        `insert into positions values ('ledger.commands', 'ledger.commands.v1', ${partition}, 1, ${(high_watermark ?? 0) - 1}, null, 0, null)`,
      ),
    );
    await until(
      'it is one behind there',
      async () => (await lags('ledger.commands')).find((lag) => lag.partition === partition)?.lag_messages === 1,
    );
    await until(
      'that record grows old',
      async () => ((await lags('ledger.commands')).find((lag) => lag.partition === partition)?.lag_seconds ?? 0) > 3,
    );
    const metrics = await (await fetch(`${base}/metrics`)).text();
    expect(metrics).toMatch(
      new RegExp(
        `payflow_consumer_lag_messages\\{group="ledger.commands",topic="ledger.commands.v1",partition="${partition}"\\} 1`,
      ),
    );
    expect(metrics).toMatch(/payflow_consumer_lag_seconds\{group="ledger.commands"/);
    expect(sum(await lags('monitoring.payments'))).toBe(0);
  });

  it('tells of each database what it needs, with evidence, statement, gain and lock', async () => {
    await neighbour('payments').db.tamper(
      'create index again on positions (topic); create index again_and_again on positions (topic)',
    );
    const answer = await read<DatabasesAnswer>('database');
    expect(answer.services.map(({ service, reason }) => `${service} ${reason}`)).toEqual(
      [...NEIGHBOURS, 'monitoring'].map((service) => `${service} null`),
    );
    const [payments] = answer.services.filter(({ service }) => service === 'payments');
    expect(payments).toMatchObject({
      uncounted: null,
      advice: [
        {
          kind: 'duplicate_index',
          subject: 'again_and_again',
          evidence: expect.stringMatching(/^again on positions/),
          statements: ['drop index concurrently again_and_again'],
          gain: expect.stringMatching(/one index less/),
          lock: expect.stringMatching(/^SHARE UPDATE EXCLUSIVE/),
        },
      ],
      tables: expect.arrayContaining([expect.objectContaining({ table: 'outbox' })]),
    });
    expect(answer.advice_count).toBe(1);
    expect((await fetch(`${base}/api/v1/monitoring/database`, { headers: token(['payments:read']) })).status).toBe(403);
  });

  it('writes down what statements took, by the span, and shows the busiest', async () => {
    const watch = running.app.get(Watch, { strict: false });
    const own = neighbour('payments').running.app.get<Database>(DATABASE, { strict: false });
    await watch.countStatements();
    for (let at = 0; at < 3; at++) await own.rows(statement('spec.busy', 'select pg_sleep(0.05)'));
    await watch.countStatements();
    const { services } = await read<DatabasesAnswer>('database');
    const [payments] = services.filter(({ service }) => service === 'payments');
    expect(payments?.busiest?.length).toBeLessThanOrEqual(10);
    const [busy] = payments?.busiest?.filter((one) => one.statement === 'spec.busy') ?? [];
    expect(busy).toMatchObject({ calls: 3, rows: 3 });
    expect(busy?.total_ms).toBeGreaterThanOrEqual(150);
    expect(busy?.mean_ms).toBeCloseTo((busy?.total_ms ?? 0) / 3);
  });

  it('shows what a service found broken', async () => {
    const plant = `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until)
      values (now() - interval '7 seconds', gen_random_uuid(), 'payments.events.v1', 0, '[]', 1, 0, 0, now() + interval '50 seconds')`;
    await neighbour('archiver').db.database.rows(statement('spec.plant', plant));
    await until('I19 of the archiver is shown', async () =>
      (await summary()).broken.some(({ invariant, service }) => invariant === 'I19' && service === 'archiver'),
    );
    const { status, reasons } = await health();
    expect(status).toBe('degraded');
    expect(reasons).toContainEqual(expect.stringMatching(/^I19 is broken in archiver: 1 rows, such as outbox\//));
    // The figure itself comes from a metric, and all services of this spec share one process: here only that it was read.
    expect(
      (await summary()).outbox.every(({ oldest_unpublished_seconds }) => oldest_unpublished_seconds !== null),
    ).toBe(true);
    await neighbour('archiver').db.database.rows(statement('spec.mend', 'update outbox set published_at = now()'));
  });

  it('sees a payment that was acknowledged and that payments does not have, as long as that is so', async () => {
    const lost = { tenant: uuidOf('tenant', tenant), livemode: false, id: uuidOf('payment', newId('payment')) };
    const i11 = async () => (await summary()).broken.find(({ invariant }) => invariant === 'I11');
    expect(await i11()).toBeUndefined();
    told.shown = [{ ...lost, status: 'succeeded' }];
    const broken = await until('I11 is broken', i11, 40_000);
    expect(broken).toMatchObject({ service: 'monitoring', violations: 1 });
    expect(broken.sample[0]).toMatch(/^pay_\w+ \(succeeded at the gateway, absent at payments\)$/);
    expect((await health()).reasons).toContainEqual(expect.stringMatching(/^I11 is broken in monitoring: 1 rows/));
    told.kept = [{ ...lost, status: 'succeeded' }];
    await until('I11 holds again', async () => !(await i11()), 40_000);
  });

  it('sees that what was sent was not received, once that lasts', async () => {
    // Nobody reads for the archiver, and what waits for it in the log is not lost.
    const i21 = async () => (await summary()).invariants.find(({ invariant }) => invariant === 'I21');
    const unread = await until('I21 is compared in part', async () => (await i21())?.not_comparable, 55_000);
    expect(unread).toContainEqual(expect.stringMatching(/^archiver.payments\/\d is behind$/));
    expect((await i21())?.violations).toBe(0);
    // As if it had been read, and lost.
    for (const { group, partition, high_watermark } of (await summary()).lags)
      if (group === 'archiver.payments')
        await neighbour('archiver').db.database.rows(
          statement(
            `spec.archiver-position-${partition}`,
            `insert into positions values ('archiver.payments', 'payments.events.v1', ${partition}, 1, ${high_watermark}, null, 0, null)`,
          ),
        );
    // Monitoring has read them all; a reader of some types is held against what the archiver has of these, which is nothing.
    const expected = ['archiver.payments 61 missing', 'monitoring.payments -61 missing'];
    const isSeen = async (): Promise<boolean> => {
      const broken = (await summary()).broken.find(({ invariant }) => invariant === 'I21');
      const found = broken?.sample.map((line) => line.replace(/ \d{4}-\d{2}-\d{2}:/, ''));
      return expected.every((line) => found?.includes(line));
    };
    await until('I21 is broken for both', isSeen, 55_000);
  }, 120_000);

  it('shows a service that died as down, with why, and its figures with their age', async () => {
    await neighbour('ledger').running.stop();
    const dead = await until('the ledger is down', async () => {
      const answer = await health();
      return answer.services.some(({ service, status }) => service === 'ledger' && status === 'down')
        ? answer
        : undefined;
    });
    expect(dead.status).toBe('down');
    expect(dead.services.find(({ service }) => service === 'ledger')).toMatchObject({
      status: 'down',
      reasons: ['ECONNREFUSED'],
    });
    expect(dead.reasons).toContain('ledger is down: ECONNREFUSED');
    await until('its lag shows its age', async () =>
      (await summary()).lags.some(({ group, age_seconds }) => group === 'ledger.commands' && (age_seconds ?? 0) > 3),
    );
  });

  it('hides no database for one that is not told of', async () => {
    const { services } = await read<DatabasesAnswer>('database');
    const unknown = services.filter(({ reason }) => reason !== null);
    expect(unknown.map(({ service, reason }) => `${service} ${reason}`)).toEqual(['ledger ECONNREFUSED']);
  });

  it('writes down each minute', async () => {
    await running.stop();
    const lags = await db.database.rows<{ group: string; messages: bigint }>(
      statement(
        'spec.lags',
        `select consumer_group as "group", max(lag_messages_max) as messages from lag_minutes group by 1`,
      ),
    );
    expect(lags.find(({ group }) => group === 'ledger.commands')?.messages).toBeGreaterThan(0n);
    const services = await db.database.rows<{ service: string; samples: number; ready: number }>(
      statement(
        'spec.services',
        'select service, sum(samples)::integer as samples, sum(ready_samples)::integer as ready from service_minutes group by 1',
      ),
    );
    expect(services).toHaveLength(5);
    const ledger = services.find(({ service }) => service === 'ledger');
    expect(ledger?.ready).toBeGreaterThan(3);
    expect(ledger?.samples).toBeGreaterThan(ledger?.ready ?? 0);
  });
});
