import { setTimeout as delay } from 'node:timers/promises';
import type { AnyMessage } from '@payflow/contracts';
import { openDatabase, statement, type Database } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, recordOf } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecordBatch } from '../broker/port.js';
import { PartitionRunner } from './partition.js';
import { Suspects } from './suspects.js';
import { readerOf } from './unit.js';

configureLogging({ level: 'silent' });

const PARKED = statement('spec.parked', 'select partition, event_id as "eventId" from parked_messages');
const SUSPECTS = statement('spec.suspects', 'select from suspects where attempts > 0');
const KILL = statement(
  'spec.kill',
  'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
);
const CONTROL = { resolve: () => undefined, heartbeat: () => Promise.resolve(), isCurrent: () => true };
/** Longer than what is at work beside the killer takes to begin. */
const BESIDE_MS = 500;
const never = () => new Promise<void>(() => undefined);

let kit: ReaderKit;
beforeAll(async () => {
  kit = await ReaderKit.open('ledger.commands');
  await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => kit.close());

/** Delivers one message to one partition of a process, whose first batch only claims. */
async function delivered(
  message: AnyMessage,
  partition: number,
  { db, suspects, before }: { db: Database; suspects: Suspects; before: () => Promise<void> },
): Promise<void> {
  const runner = new PartitionRunner(
    { group: kit.group, topic: kit.topic, partition },
    {
      reader: readerOf(kit.group, db, kit.messaging(db).outbox, { handle: effectHandler('a', before) }),
      consumer: { pause: () => undefined, resume: () => undefined, seek: () => undefined },
      logBounds: async () => ({ start: 0, end: 1 }),
      onProgress: () => undefined,
      suspects,
    },
  );
  const { key, value, headers } = recordOf(message);
  const record = { key: Buffer.from(key as string), value: Buffer.from(value as string), headers, timestamp: '0' };
  const batch: RecordBatch = { topic: kit.topic, partition, highWatermark: 1, records: [{ offset: 0, ...record }] };
  await runner.onBatch(batch, CONTROL);
  await runner.onBatch(batch, CONTROL);
}

/** A life of a process with both partitions. The killer stops its event loop: what is at work beside it does not end either. */
async function live(killer: AnyMessage, innocent: AnyMessage): Promise<'died' | 'lived'> {
  const db = await openDatabase({ url: kit.tables.url, poolSize: 4, applicationName: 'mortal' });
  const suspects = new Suspects();
  const killing = Promise.withResolvers<'killing'>();
  const besides = Promise.withResolvers<void>();
  const died = killing.promise.then(async () => {
    await Promise.race([besides.promise, delay(BESIDE_MS)]);
    return 'died' as const;
  });
  const fatal = delivered(killer, 0, {
    db,
    suspects,
    before: () => {
      killing.resolve('killing');
      return never();
    },
  });
  const beside = delivered(innocent, 1, {
    db,
    suspects,
    before: async () => {
      besides.resolve();
      const outcome = await Promise.race([killing.promise, delay(BESIDE_MS, 'ended' as const)]);
      return outcome === 'killing' ? never() : undefined;
    },
  });
  const lived = Promise.all([fatal, beside]).then(() => 'lived' as const);
  const outcome = await Promise.race([lived, died]);
  if (outcome === 'died') await kit.db.rows(KILL, ['mortal']);
  else await db.close();
  return outcome;
}

it('a message that ends its process is quarantined alone, and not what another partition of it has at work', async () => {
  const [killer, innocent] = [openAccount(), openAccount()];
  const lives = [];
  while (lives.at(-1) !== 'lived') lives.push(await live(killer, innocent));
  expect(lives.filter((life) => life === 'died').length).toBeLessThanOrEqual(4);
  expect(await kit.db.rows(PARKED)).toEqual([{ partition: 0, eventId: expect.any(String) }]);
  expect((await kit.effects()).map(({ eventId }) => eventId)).toEqual([innocent.id]);
  expect(await kit.db.rows(SUSPECTS)).toEqual([]);
});
