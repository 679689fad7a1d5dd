import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafkaCluster } from '@payflow/local-stack';
import type { AnyMessage, Group } from '@payflow/contracts';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { ReaderKit, accountRejected, openAccount, recordOf, until } from '@payflow/testing';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { kafkajsBroker } from '../broker/kafkajs/client.js';

configureLogging({ level: 'silent' });

const PREFIX = 'leaderless.';
const folder = mkdtempSync(join(tmpdir(), 'payflow-leaderless-read-'));
let cluster: Awaited<ReturnType<typeof startKafkaCluster>>;
beforeAll(async () => {
  cluster = await startKafkaCluster({ dir: join(folder, 'three'), brokers: 3, profile: 'test' });
}, 120_000);
afterAll(async () => {
  await cluster.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** Topics of which the first broker alone has the first partition, and the second alone the second. */
async function createTopics(brokers: readonly string[], names: readonly string[]): Promise<void> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.createTopics({
    topics: names.map((name) => ({
      topic: PREFIX + name,
      replicaAssignment: [1, 2].map((leader, partition) => ({ partition, replicas: [leader] })),
    })),
    waitForLeaders: true,
  });
  await admin.disconnect();
}

const MESSAGES = 20;

/** Sends some messages to one partition, whatever their keys say. */
async function send(kit: ReaderKit, partition: number, message: () => AnyMessage): Promise<string[]> {
  const messages = Array.from({ length: MESSAGES }, message);
  await kit.sendTo(partition, messages.map(recordOf));
  return messages.map(({ id }) => id);
}

/** Waits until the messages are applied, and sees that each was once. */
async function expectApplied(kit: ReaderKit, ids: readonly string[]): Promise<void> {
  const applied = await kit.effectsWhen(ids.length, 40_000);
  expect(applied.map(({ eventId }) => eventId).sort()).toEqual([...ids].sort());
}

const told = async (group: Group) =>
  /** Undefined where nothing was ever told. */
  new RegExp(`^payflow_consumer_paused_partitions\\{group="${group}",reason="no_leader"\\} (\\d+)$`, 'm').exec(
    (await renderMetrics()).body,
  )?.[1];

it('a partition without a leader holds up no other of its topic: its group goes on, joins anew, and begins', async () => {
  const brokers = cluster.url.split(',');
  const broker = { brokers, clientId: 'spec', prefix: PREFIX };
  await createTopics(brokers, ['ledger.commands.v1', 'ledger.events.v1']);
  const old = await ReaderKit.open('ledger.commands', broker);
  const fresh = await ReaderKit.open('gateway.accounts', broker);
  const first = await old.start();
  const ids = [...(await send(old, 0, openAccount)), ...(await send(old, 1, openAccount))];
  await expectApplied(old, ids);
  const early = await send(fresh, 0, accountRejected);

  await cluster.broker(1).kill();
  const admin = await kafkajsBroker(broker).admin();
  await until('the cluster has noticed', async () => (await admin.brokers()) === 2);
  await admin.close();
  ids.push(...(await send(old, 1, openAccount)));
  await expectApplied(old, ids);

  await old.stop(first);
  ids.push(...(await send(old, 1, openAccount)));
  await old.start();
  await expectApplied(old, ids);

  // The broker has kept no offset of this group that it could begin at.
  await fresh.start();
  const late = await send(fresh, 1, accountRejected);
  await expectApplied(fresh, late);
  await until(
    'it is told',
    async () => (await told('ledger.commands')) === '1' && (await told('gateway.accounts')) === '1',
  );

  await cluster.restart(1);
  await expectApplied(fresh, [...early, ...late]);
  ids.push(...(await send(old, 0, openAccount)));
  await expectApplied(old, ids);
  await Promise.all([old.untilRead(), fresh.untilRead()]);
  await until('nobody is told any more', async () =>
    [await told('ledger.commands'), await told('gateway.accounts')].every((count) => count === '0'),
  );
  await Promise.all([old.close(), fresh.close()]);
}, 240_000);
