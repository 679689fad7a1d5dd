import { setTimeout as delay } from 'node:timers/promises';
import type { AnyMessage } from '@payflow/contracts';
import { openDatabase, statement, type Database } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, effectHandler, openAccount, recordOf, until } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GroupInterrupted, type RecordBatch } from '../broker/port.js';
import { PartitionRunner } from './partition.js';
import { claimPosition } from './positions.repository.js';
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

interface ProcessParts {
  readonly db: Database;
  readonly suspects: Suspects;
  readonly before: () => Promise<void>;
  readonly heartbeat?: () => Promise<void>;
}

/** Delivers one message to one partition of a process, whose first batch only claims. */
async function delivered(
  message: AnyMessage,
  partition: number,
  { db, suspects, before, heartbeat = CONTROL.heartbeat }: ProcessParts,
): Promise<void> {
  const control = { ...CONTROL, heartbeat };
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
  await runner.onBatch(batch, control);
  await runner.onBatch(batch, control);
  await runner.close();
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

it('one that waits for its turn is heard of meanwhile, and is not tried once its partition is another’s', async () => {
  const suspects = new Suspects();
  const [first, second] = [openAccount(), openAccount()];
  const [begun, mayEnd] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const parts = { db: kit.db, suspects };
  for (const partition of [2, 3]) await claimPosition(kit.db, { group: kit.group, topic: kit.topic, partition }, 0, 1);
  const ahead = delivered(first, 2, {
    ...parts,
    before: () => {
      begun.resolve();
      return mayEnd.promise;
    },
  });
  await begun.promise;
  let beats = 0;
  let isMember = true;
  const behind = delivered(second, 3, {
    ...parts,
    before: () => Promise.resolve(),
    heartbeat: async () => {
      if (!isMember) throw new GroupInterrupted(new Error('spec'));
      beats += 1;
    },
  });
  await until('it is heard of again and again', () => beats > 3);
  isMember = false;
  mayEnd.resolve();
  await Promise.all([ahead, behind]);
  const applied = (await kit.effects()).map(({ eventId }) => eventId);
  expect(applied).toContain(first.id);
  expect(applied).not.toContain(second.id);
  expect(await kit.db.rows(SUSPECTS)).toEqual([]);
});
