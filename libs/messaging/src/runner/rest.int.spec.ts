import type { AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, recordOf, until } from '@payflow/testing';
import { expect, it } from 'vitest';
import type { RecordBatch } from '../broker/port.js';
import { listParked, requestParked } from '../parking/parking.repository.js';
import { PartitionRunner } from './partition.js';
import { glance } from './positions.repository.js';
import { Suspects } from './suspects.js';
import { readerOf } from './unit.js';

configureLogging({ level: 'silent' });

const MESSAGES = 50;
const CONTROL = { resolve: () => undefined, heartbeat: () => Promise.resolve(), isCurrent: () => true };

function batchOf(kit: ReaderKit, messages: readonly AnyMessage[], first: number): RecordBatch {
  const records = messages.map(recordOf).map(({ key, value, headers }, at) => ({
    offset: first + at,
    key: Buffer.from(key as string),
    value: Buffer.from(value as string),
    headers,
    timestamp: '0',
  }));
  return { topic: kit.topic, partition: 0, highWatermark: first + records.length, records };
}

it('carries out what an operator asked for while batch follows batch without a break', async () => {
  const kit = await ReaderKit.open('ledger.commands');
  await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  const poison = openAccount();
  let isBroken = true;
  const handle = effectHandler('a', (messages) => {
    if (isBroken && messages.some(({ id }) => id === poison.id)) throw new TypeError('a bug');
  });
  const runner = new PartitionRunner(
    { group: kit.group, topic: kit.topic, partition: 0 },
    {
      reader: readerOf(kit.group, kit.db, kit.messaging().outbox, { handle }),
      consumer: { pause: () => undefined, resume: () => undefined, seek: () => undefined },
      logBounds: async () => ({ start: 0, end: 1_000 }),
      onProgress: () => undefined,
      suspects: new Suspects(),
    },
  );
  const first = batchOf(kit, [poison], 0);
  await runner.onBatch(first, CONTROL);
  await runner.onBatch(first, CONTROL);
  isBroken = false;
  const subject = { group: kit.group, tenant: poison.tenant, recordKey: poison.key };
  await requestParked(kit.db, subject, { state: 'releasing', actor: 'ops', reason: 'spec' });

  // The next batch is there whenever one ends: between two of them there is no time for anything else.
  const applied: string[] = [];
  let isEnough = false;
  const feeding = (async () => {
    while (!isEnough) {
      const messages = Array.from({ length: MESSAGES }, () => openAccount());
      await runner.onBatch(batchOf(kit, messages, 1 + applied.length), CONTROL);
      applied.push(...messages.map(({ id }) => id));
    }
  })();
  await until('it is released', async () => {
    runner.onGlance((await glance(kit.db, kit.group, kit.topic))[0]);
    return (await listParked(kit.db)).length === 0;
  });
  isEnough = true;
  await feeding;
  await runner.close();
  const effects = (await kit.effects()).map(({ eventId }) => eventId);
  expect(effects.filter((id) => id !== poison.id)).toEqual(applied);
  expect(effects).toContain(poison.id);
  await kit.close();
});
