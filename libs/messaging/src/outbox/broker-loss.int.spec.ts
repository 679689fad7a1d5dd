import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, startKafka, startKafkaCluster } from '@payflow/local-stack';
import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, openAccount, until } from '@payflow/testing';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, describe, expect, it } from 'vitest';
import type { Messaging } from '../messaging.js';
import type { AnyOutgoing } from '../outgoing.js';

configureLogging({ level: 'silent' });

const folder = mkdtempSync(join(tmpdir(), 'payflow-brokers-'));
const servers: { kill(): Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => server.kill()));
  rmSync(folder, { recursive: true, force: true });
});

const UNPUBLISHED = statement(
  'spec.unpublished',
  'select count(*)::integer as open from outbox where published_at is null',
);
const SENT = statement(
  'spec.sent',
  'select sum(counted)::integer as messages, (sum(id_sum) % (1::bigint << 48))::text as ids from outbox',
);
const RECEIVED = statement(
  'spec.received',
  'select sum(messages)::integer as messages, (sum(id_sum) % (1::bigint << 48))::text as ids from received_tallies',
);
const DRAIN_SECONDS_MAX = 15;

/** Commits and publishes `count` messages, a few to each transaction, as a service does; returns their ids. */
async function publish(kit: ReaderKit, messaging: Messaging, count: number): Promise<string[]> {
  const ids: string[] = [];
  const origin = { tenant: newId('tenant'), livemode: false, actor: 'spec' };
  while (ids.length < count) {
    const commands = Array.from({ length: 10 }, (): AnyOutgoing => {
      const { type, subject, data, id } = openAccount();
      ids.push(id);
      return { type, subject, data, id, origin };
    });
    const staged = await kit.db.transaction((tx) => messaging.outbox.stage(tx, commands, () => undefined));
    staged.publish();
  }
  return ids;
}

async function expectAllApplied(kit: ReaderKit, ids: readonly string[], deadline_ms: number): Promise<void> {
  await until(
    'the outbox is drained',
    async () => (await kit.db.rows<{ open: number }>(UNPUBLISHED))[0]?.open === 0,
    deadline_ms,
  );
  await kit.untilRead(deadline_ms);
  const applied = new Set((await kit.effects()).map(({ eventId }) => eventId));
  expect(ids.filter((id) => !applied.has(id))).toEqual([]);
  expect((await kit.effects()).length).toBe(ids.length);
  expect(await kit.db.rows(RECEIVED)).toEqual(await kit.db.rows(SENT));
}

describe('one broker', () => {
  it('is waited for: absent at the start, killed under load, gone at the end', async () => {
    const [broker = 0, controller = 0] = await freePorts(2);
    const server = async () => {
      const started = await startKafka({ dir: join(folder, 'one'), ports: { broker, controller }, profile: 'test' });
      servers.push(started);
      return started;
    };
    const absent = { brokers: [`127.0.0.1:${broker}`], clientId: 'spec', prefix: 'one.' };
    let kafka = await server();
    const kit = await ReaderKit.open('ledger.commands', absent);
    await kafka.stop();

    // Nobody answers: starting neither fails nor ends the process, and what is committed waits in the outbox.
    const messaging = kit.messaging();
    await messaging.start();
    const joined = kit.subscribe(messaging);
    const early = await publish(kit, messaging, 50);
    expect(messaging.health).toEqual({ producing: false, consuming: false });
    kafka = await server();
    await joined;
    await expectAllApplied(kit, early, 30_000);

    const before = publish(kit, messaging, 500);
    await kafka.kill();
    const during = publish(kit, messaging, 500);
    kafka = await server();
    const all = [...early, ...(await before), ...(await during)];
    await expectAllApplied(kit, all, 40_000);
    await until('it is ready again', () => messaging.health.producing && messaging.health.consuming);

    await kafka.kill();
    await publish(kit, messaging, 20);
    const startedAt = performance.now();
    await kit.stop(messaging);
    expect((performance.now() - startedAt) / 1_000).toBeLessThan(DRAIN_SECONDS_MAX);
    await kit.close();
  }, 150_000);
});

/** The broker that coordinates a group now, by its place among the brokers: who is asked what the group is. */
async function coordinatorOf(brokers: readonly string[], groupId: string): Promise<number> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  let asked = '';
  admin.on(admin.events.REQUEST, ({ payload }) => {
    if (payload.apiName === 'DescribeGroups') asked = payload.broker;
  });
  await admin.connect();
  await admin.describeGroups([groupId]);
  await admin.disconnect();
  return brokers.indexOf(asked) + 1;
}

async function leaderOf(brokers: readonly string[], topic: string): Promise<number> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  await admin.disconnect();
  return topics[0]?.partitions[0]?.leader ?? 0;
}

describe('three brokers', () => {
  it('lose no acknowledged record: when who coordinates the group is gone for good, when one is killed with -9 under load', async () => {
    const cluster = await startKafkaCluster({ dir: join(folder, 'three'), brokers: 3, profile: 'test' });
    servers.push(cluster);
    const broker = { brokers: cluster.url.split(','), clientId: 'spec', prefix: 'three.' };
    const kit = await ReaderKit.open('ledger.commands', broker);
    const messaging = await kit.start();

    // Killed before anything is read: no partition is taken over without a heartbeat that is answered.
    const coordinator = await coordinatorOf(broker.brokers, 'three.ledger.commands');
    await cluster.broker(coordinator).kill();
    const early = await publish(kit, messaging, 200);
    await expectAllApplied(kit, early, 60_000);
    await cluster.restart(coordinator);

    const sending = publish(kit, messaging, 2_000);
    await until('some are applied', async () => (await kit.effects()).length > early.length + 100);
    await cluster.broker(await leaderOf(broker.brokers, `three.${kit.topic}`)).kill();
    await expectAllApplied(kit, [...early, ...(await sending)], 60_000);
    await kit.close();
  }, 150_000);
});
