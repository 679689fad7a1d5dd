import type { AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, accountRejected, markingHandler, recordOf } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RecordBatch } from '../broker/port.js';
import {
  beginReplay,
  countDeadLetters,
  endReplay,
  failReplay,
  listDeadLetters,
  requestReplay,
} from './dead-letter.repository.js';
import { PartitionRunner } from './partition.js';
import { Suspects } from './suspects.js';
import { readerOf } from './unit.js';

configureLogging({ level: 'silent' });

const GROUP = 'archiver.ledger';
const TALLY = statement(
  'spec.received',
  'select coalesce(sum(messages), 0)::integer as messages from received_tallies',
);
const CONTROL = { resolve: () => undefined, heartbeat: () => Promise.resolve(), isCurrent: () => true };

let kit: ReaderKit;
const log: AnyMessage[] = [];
let isBroken = false;

beforeAll(async () => {
  kit = await ReaderKit.open(GROUP);
  await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => kit.close());

/** A process that reads the partition; its handler is broken as long as that is said. */
function start() {
  const mark = markingHandler('a');
  let next = 0;
  const runner = new PartitionRunner(
    { group: GROUP, topic: kit.topic, partition: 0 },
    {
      reader: readerOf(GROUP, kit.db, kit.messaging().outbox, {
        handle: async (messages, tx) => {
          if (isBroken) throw new TypeError('a bug');
          return mark(messages, tx);
        },
      }),
      consumer: { pause: () => undefined, resume: () => undefined, seek: (_, offset) => (next = offset) },
      logBounds: async () => ({ start: 0, end: log.length }),
      onProgress: () => undefined,
      suspects: new Suspects(),
    },
  );
  const read = () => runner.onBatch(batchFrom(next), { ...CONTROL, resolve: (offset) => void (next = offset + 1) });
  return { read, close: () => runner.close() };
}

function batchFrom(first: number): RecordBatch {
  const records = log.map(recordOf).map(({ key, value, headers }, offset) => ({
    offset,
    key: Buffer.from(key as string),
    value: Buffer.from(value as string),
    headers,
    timestamp: '0',
  }));
  return { topic: kit.topic, partition: 0, highWatermark: log.length, records: records.slice(first) };
}

const states = async () => (await listDeadLetters(kit.db)).map(({ offset, state }) => [Number(offset), state]);
const applied = async () => (await kit.db.rows<{ messages: number }>(TALLY))[0]?.messages;

it.each([
  ['by the process that set it aside', false],
  ['by one that has taken the partition over since', true],
])('a dead letter is done with once a copy of it was applied, %s', async (_, isTakenOver) => {
  const begun = (await applied()) ?? 0;
  const message = accountRejected();
  const one = start();
  log.push(message);
  await one.read();
  isBroken = true;
  await one.read();
  isBroken = false;
  const letter = log.length - 1;
  expect(await states()).toContainEqual([letter, 'dead']);
  expect(await applied()).toBe(begun);

  if (isTakenOver) await one.close();
  const other = isTakenOver ? start() : one;
  if (isTakenOver) await other.read();
  log.push(accountRejected(), message);
  await other.read();
  expect(await states()).toContainEqual([letter, 'replayed']);
  expect(await countDeadLetters(kit.db, GROUP)).toBe(0);
  expect(await applied()).toBe(begun + 2);
  await other.close();
});

it('a letter that one process has replayed is not put back by another that failed at it before', async () => {
  const place = { group: GROUP, topic: kit.topic, partition: 0 };
  const one = start();
  log.push(accountRejected());
  isBroken = true;
  await one.read();
  await one.read();
  isBroken = false;
  await one.close();
  const offset = log.length - 1;
  await requestReplay(kit.db, { group: GROUP, partition: 0, offset }, { actor: 'ops', reason: 'spec' });
  expect((await beginReplay(kit.db, place))?.record.offset).toBe(offset);
  await kit.db.transaction((tx) => endReplay(tx, place, offset));
  await failReplay(kit.db, place, offset, new TypeError('a bug'));
  expect(await states()).toContainEqual([offset, 'replayed']);
});
