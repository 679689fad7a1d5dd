import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafkaCluster } from '@payflow/local-stack';
import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { createTestDatabase, openAccount, until, type TestDatabase } from '@payflow/testing';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kafkajsBroker } from '../broker/kafkajs/client.js';
import { MessagingGuards1763700013000 } from '../database/messaging-guards.js';
import { MessagingPartitions1764100040001 } from '../database/messaging-partitions.js';
import { MESSAGING_RIGHTS } from '../database/messaging-rights.js';
import { MessagingTables1763700000000 } from '../database/messaging-tables.js';
import { Messaging } from '../messaging.js';
import type { AnyOutgoing } from '../outgoing.js';

configureLogging({ level: 'silent' });

const OPEN = statement(
  'spec.open-by-partition',
  `select topic || '/' || partition as place, count(*)::integer as rows from outbox where published_at is null group by 1 order by 1`,
);
const PREFIX = 'leaderless.';
const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };

const folder = mkdtempSync(join(tmpdir(), 'payflow-leaderless-'));
let cluster: Awaited<ReturnType<typeof startKafkaCluster>>;
let db: TestDatabase;
beforeAll(async () => {
  cluster = await startKafkaCluster({ dir: join(folder, 'three'), brokers: 3, profile: 'test' });
  db = await createTestDatabase('payments', [
    MessagingTables1763700000000,
    MessagingGuards1763700013000,
    MessagingPartitions1764100040001,
    MESSAGING_RIGHTS,
  ]);
}, 120_000);
afterAll(async () => {
  await cluster.kill();
  await db.drop();
  rmSync(folder, { recursive: true, force: true });
});

/** Topics of which each partition has a single broker, and one of them the first. */
async function createTopics(brokers: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  const topic = (name: string, leaders: readonly number[]) => ({
    topic: PREFIX + name,
    replicaAssignment: leaders.map((leader, partition) => ({ partition, replicas: [leader] })),
  });
  await admin.connect();
  await admin.createTopics({
    topics: [topic('ledger.commands.v1', [1, 2]), topic('ledger.events.v1', [2, 3])],
    waitForLeaders: true,
  });
  await admin.disconnect();
}

/** A command and an event, each to any of its topic's partitions. */
function messages(): AnyOutgoing[] {
  const { type, subject, data, id } = openAccount();
  const account = newId('account');
  const rejected = { id: account, reason: 'account_exists' as const, recorded_at: new Date().toISOString() };
  return [
    { type, subject, data, id, origin },
    { type: 'payflow.account.rejected.v1', subject: account, origin, aggregateVersion: 1, data: rejected },
  ];
}

it('a partition without a leader holds up no other, of its topic nor of others, and is sent to when it has one again', async () => {
  const brokers = cluster.url.split(',');
  await createTopics(brokers);
  const broker = { brokers, clientId: 'spec', prefix: PREFIX };
  const messaging = new Messaging({ broker, database: db.database, partitions: 'single' });
  await messaging.start();
  const open = () => db.database.rows<{ place: string; rows: number }>(OPEN);
  const sendFor = async (ms: number) => {
    for (const end = performance.now() + ms; performance.now() < end;) {
      const staged = await db.database.transaction((tx) => messaging.outbox.stage(tx, messages(), () => undefined));
      staged.publish();
    }
  };
  await sendFor(1_000);
  await until('all is sent', async () => (await open()).length === 0, 20_000);

  await cluster.broker(1).kill();
  await sendFor(12_000);
  const leaderless = 'ledger.commands.v1/0';
  // How many that takes is the machine's to say.
  while (((await open()).find(({ place }) => place === leaderless)?.rows ?? 0) <= 100) await sendFor(1_000);
  await until('all others are sent', async () => (await open()).length === 1, 15_000);
  expect((await open()).map(({ place }) => place)).toEqual([leaderless]);
  // A service that starts meanwhile finds its topics as they are.
  const admin = await kafkajsBroker(broker).admin();
  expect([...(await admin.partitionCounts(['ledger.commands.v1', 'ledger.events.v1'])).values()]).toEqual([2, 2]);
  await admin.close();

  await cluster.restart(1);
  await until('the rest is sent', async () => (await open()).length === 0, 60_000);
  await messaging.close();
}, 180_000);
