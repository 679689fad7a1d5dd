import { newId, type AnyMessage } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging } from '@payflow/telemetry';
import { ReaderKit, accountRejected, effectHandler, recordOf, testMessage, until } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { RecordBatch } from '../broker/port.js';
import { PartitionRunner } from './partition.js';
import { glance } from './positions.repository.js';
import { Suspects } from './suspects.js';
import { readerOf } from './unit.js';

configureLogging({ level: 'silent' });

const RESET = statement('spec.reset', 'delete from positions');
const GO_BACK = statement(
  'spec.go-back',
  `with lost as (delete from effects where event_id = any ($2::text[]))
   update positions set next_offset = $1, last_event_id = null`,
);
const FORGET = statement('spec.forget', 'delete from effects');
const ROW = statement(
  'spec.row',
  'select epoch::integer, next_offset::integer as next, last_event_id as id, stopped_reason from positions',
);

/** A reader of `ledger.events.v1` that asks for accounts alone: transfers mean nothing to it. */
let kit: ReaderKit;
beforeAll(async () => {
  kit = await ReaderKit.open('gateway.accounts');
  await kit.db.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
});
afterAll(() => kit.close());
beforeEach(async () => {
  await kit.db.count(RESET);
  await kit.db.count(FORGET);
});

const seeks: number[] = [];
/** Ids of messages that no handler can apply. */
const poison = new Set<string>();

function refusePoison(messages: readonly AnyMessage[]): void {
  if (messages.some(({ id }) => poison.has(id))) throw new TypeError('a bug');
}

function processOf(writer = 'a') {
  const resolved: number[] = [];
  const runner = new PartitionRunner(
    { group: kit.group, topic: kit.topic, partition: 0 },
    {
      reader: readerOf(kit.group, kit.db, kit.messaging().outbox, { handle: effectHandler(writer, refusePoison) }),
      consumer: { pause: () => undefined, resume: () => undefined, seek: (_, offset) => seeks.push(offset) },
      logBounds: async () => ({ start: 0, end: 1_000 }),
      onProgress: () => undefined,
      suspects: new Suspects(),
    },
  );
  const control = {
    resolve: (offset: number) => void resolved.push(offset),
    heartbeat: () => Promise.resolve(),
    isCurrent: () => true,
  };
  return { runner, resolved, deliver: (batch: RecordBatch) => runner.onBatch(batch, control) };
}

/** A process that has claimed the partition and applied one message. */
async function settled() {
  const each = processOf();
  const batch = batchOf([accountRejected()], 0);
  await each.deliver(batch);
  await each.deliver(batch);
  return each;
}

function batchOf(messages: readonly AnyMessage[], first: number): RecordBatch {
  const records = messages.map(recordOf).map(({ key, value, headers }, at) => ({
    offset: first + at,
    key: Buffer.from(key as string),
    value: Buffer.from(value as string),
    headers,
    timestamp: '0',
  }));
  return { topic: kit.topic, partition: 0, highWatermark: first + records.length, records };
}

function transferRejected(): AnyMessage {
  return testMessage('payflow.transfer.rejected.v1', {
    id: newId('transfer'),
    payment: null,
    amount: '1',
    asset: 'USD',
    debit_account: newId('account'),
    credit_account: newId('account'),
    reason: 'insufficient_funds',
    recorded_at: new Date().toISOString(),
  });
}

async function row() {
  const [found] = await kit.db.rows<{ epoch: number; next: number; id: string | null; stopped_reason: string | null }>(
    ROW,
  );
  return found;
}

async function lookAt(runner: PartitionRunner): Promise<void> {
  runner.onGlance((await glance(kit.db, kit.group, kit.topic))[0]);
}

it('moves on without writing, and the row follows with the next message that is applied', async () => {
  const { deliver, resolved } = await settled();
  await deliver(batchOf([transferRejected(), transferRejected()], 1));
  expect(resolved.at(-1)).toBe(2);
  expect(await row()).toMatchObject({ next: 1 });
  const wanted = accountRejected();
  await deliver(batchOf([transferRejected(), wanted], 3));
  expect(await row()).toMatchObject({ next: 5, id: wanted.id, stopped_reason: null });
  expect((await kit.effects()).length).toBe(2);
});

it('goes on without writing behind what was set aside, and notices where the database has lost that', async () => {
  const { deliver, resolved, runner } = await settled();
  const [bad, good] = [accountRejected(), accountRejected()];
  poison.add(bad.id);
  await deliver(batchOf([bad], 1));
  expect(await row()).toMatchObject({ next: 2, id: bad.id });
  await deliver(batchOf([transferRejected()], 2));
  expect(resolved.at(-1)).toBe(2);
  expect(await row()).toMatchObject({ next: 2 });
  await kit.db.count(GO_BACK, [1, []]);
  await deliver(batchOf([good], 3));
  await until('it is claimed anew', async () => {
    await lookAt(runner);
    return (await row())?.epoch === 2;
  });
  expect(seeks.at(-1)).toBe(1);
  await runner.close();
});

it('is written down between batches where nothing else comes', async () => {
  const { deliver, runner } = await settled();
  const last = transferRejected();
  await deliver(batchOf([transferRejected(), last], 1));
  await lookAt(runner);
  await until('the row has followed', async () => (await row())?.next === 3);
  expect(await row()).toMatchObject({ id: last.id });
  await deliver(batchOf([accountRejected()], 3));
  expect(await row()).toMatchObject({ next: 4, stopped_reason: null });
});

it('writes nothing down for a process that has lost the partition', async () => {
  const { deliver, runner } = await settled();
  await deliver(batchOf([transferRejected()], 1));
  const successor = processOf('b');
  await successor.deliver(batchOf([transferRejected()], 1));
  await lookAt(runner);
  await runner.close();
  expect(await row()).toMatchObject({ next: 1 });
});

it('does not hide that the database has gone back: what it has lost is read again', async () => {
  const { deliver, runner } = await settled();
  const lost = accountRejected();
  await deliver(batchOf([lost], 1));
  await deliver(batchOf([transferRejected()], 2));
  // As a replica knows it that was behind when it took over.
  await kit.db.count(GO_BACK, [1, [lost.id]]);
  await until('it is claimed anew', async () => {
    await lookAt(runner);
    return (await row())?.epoch === 2;
  });
  expect(await row()).toMatchObject({ next: 1 });
  expect(seeks.at(-1)).toBe(1);
  await runner.close();
});

it('is passed over again by the process that comes after a crash', async () => {
  const { deliver } = await settled();
  const passed = [transferRejected(), transferRejected()];
  await deliver(batchOf(passed, 1));
  const successor = processOf('b');
  const wanted = accountRejected();
  const log = batchOf([...passed, wanted], 1);
  await successor.deliver(log);
  await successor.deliver({
    ...log,
    records: [...batchOf([(await kit.effects()).map(eventOf)[0] as AnyMessage], 0).records, ...log.records],
  });
  expect(await row()).toMatchObject({ next: 4, id: wanted.id, stopped_reason: null });
  expect((await kit.effects()).map(({ writer }) => writer)).toEqual(['a', 'b']);
});

it('notices a gap behind what it has passed over', async () => {
  const { deliver, runner } = await settled();
  await deliver(batchOf([transferRejected()], 1));
  await deliver(batchOf([transferRejected()], 4));
  expect((await row())?.stopped_reason).toMatch(/^gap_in_log: position 2, next record 4/);
  await runner.close();
});

/** The message that left an effect, as far as the log's first record has to be told by its id. */
function eventOf({ eventId }: { readonly eventId: string }): AnyMessage {
  return { ...accountRejected(), id: eventId };
}

it('goes on where the answer to writing it down was lost', async () => {
  const { deliver, runner } = await settled();
  await deliver(batchOf([transferRejected(), transferRejected()], 1));
  // What a COMMIT does whose answer never comes: the row has moved, and the process does not know.
  await kit.db.count(statement('spec.unseen', 'update positions set next_offset = 3'));
  await deliver(batchOf([transferRejected()], 3));
  await deliver(batchOf([accountRejected()], 4));
  expect(await row()).toMatchObject({ next: 5, stopped_reason: null });
  await deliver(batchOf([transferRejected()], 5));
  await lookAt(runner);
  await until('the row has followed', async () => (await row())?.next === 6);
});
