import { newId, uuidOf } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import {
  ReaderKit,
  accountRejected,
  markingHandler,
  openAccount,
  paymentSweep,
  recordOf,
  until,
} from '@payflow/testing';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

configureLogging({ level: 'silent' });

const MOVE_BACK = statement(
  'spec.move-back',
  'update positions set next_offset = 0, last_event_id = null, epoch = epoch + 1',
);
const TALLY = statement(
  'spec.tally',
  'select sum(messages)::integer as messages from received_tallies where consumer_group = $1',
);

/** Every fifth record once more, as a producer's retry leaves them: right behind, or much later. */
function withDuplicates<T>(records: readonly T[]): T[] {
  return records
    .flatMap((record, at) => (at % 5 === 0 ? [record, record] : [record]))
    .concat(records.filter((_, at) => at % 5 === 1));
}

describe.each([
  { group: 'ledger.commands', make: openAccount, handle: markingHandler('a'), mark: "the effect's own key" },
  { group: 'gateway.accounts', make: accountRejected, handle: undefined, mark: 'the inbox' },
  {
    group: 'payments.commands',
    make: paymentSweep,
    handle: undefined,
    mark: 'the inbox, where the effect leaves none',
  },
] as const)('a reader marked by $mark', ({ group, make, handle }) => {
  let kit: ReaderKit;
  const messages = Array.from({ length: 500 }, () => make());
  const ids = messages.map(({ id }) => id).sort();
  const appliedIds = async () => (await kit.effects()).map(({ eventId }) => eventId).sort();

  beforeAll(async () => {
    kit = await ReaderKit.open(group);
  });
  afterAll(() => kit.close());

  it('applies each of 500 messages once though a fifth come twice or three times', async () => {
    const reader = await kit.start(handle ? { handle } : {});
    await kit.send(withDuplicates(messages));
    await kit.untilRead();
    expect(await appliedIds()).toEqual(ids);
    expect(await kit.db.rows(TALLY, [group])).toEqual([{ messages: 500 }]);
    await kit.stop(reader);
  });

  it('applies nothing twice when it is moved back to the start, though nothing new comes', async () => {
    const before = await kit.positions();
    await kit.db.count(MOVE_BACK);
    const reader = await kit.start(handle ? { handle } : {});
    await kit.untilRead();
    const after = await kit.positions();
    expect(after.map(({ nextOffset }) => nextOffset)).toEqual(before.map(({ nextOffset }) => nextOffset));
    expect(await appliedIds()).toEqual(ids);
    expect(await kit.db.rows(TALLY, [group])).toEqual([{ messages: 500 }]);
    await kit.stop(reader);
  });

  it('is moved back while it runs on an idle topic, and reads it all again', async () => {
    await kit.start(handle ? { handle } : {});
    await until('both partitions are claimed', async () => (await kit.positions()).every(({ epoch }) => epoch > 0n));
    const [before] = await kit.positions();
    await kit.db.count(MOVE_BACK);
    await kit.untilRead();
    const [after] = await kit.positions();
    expect(after?.epoch).toBeGreaterThan((before?.epoch ?? 0n) + 1n);
    expect(await appliedIds()).toEqual(ids);
  });
});

describe('a database that goes back while the service runs', () => {
  let kit: ReaderKit;
  beforeAll(async () => {
    kit = await ReaderKit.open('gateway.accounts');
  });
  afterAll(() => kit.close());

  /** As a replica knows it that was behind when it took over: the last messages were never applied, the owner is the same. */
  const goBack = (by: number) =>
    kit.db.transaction(async (tx) => {
      const lost = await tx.rows<{ event_id: string }>(
        statement(
          'spec.lose-effects',
          'delete from effects where id in (select id from effects order by id desc limit $1) returning event_id',
        ),
        [by],
      );
      const ids = lost.map(({ event_id }) => uuidOf('event', event_id));
      await tx.count(statement('spec.lose-marks', 'delete from inbox where event_id = any ($1::uuid[])'), [ids]);
      await tx.count(
        statement(
          'spec.lose-place',
          'update positions set next_offset = next_offset - $1, last_event_id = null where next_offset > 0',
        ),
        [by],
      );
    });

  it.each([1, 10])('gets again what it has lost: %d messages', async (by) => {
    const account = newId('account');
    const before = (await kit.effects()).map(({ eventId }) => eventId);
    const first = Array.from({ length: 20 }, () => accountRejected(account));
    const reader = await kit.start();
    await kit.send(first);
    await kit.effectsWhen(before.length + first.length);
    await kit.untilRead();
    await goBack(by);
    const [last] = [accountRejected(account)];
    await kit.send([last]);
    await until('the last one is applied', async () =>
      (await kit.effects()).some(({ eventId }) => eventId === last.id),
    );
    const ids = (await kit.effects()).map(({ eventId }) => eventId);
    expect(ids).toEqual([...before, ...[...first, last].map(({ id }) => id)]);
    expect((await kit.positions()).every(({ stoppedReason }) => stoppedReason === null)).toBe(true);
    await kit.stop(reader);
  });
});

describe('a reader that died between COMMIT and the offset commit', () => {
  let kit: ReaderKit;
  beforeAll(async () => {
    kit = await ReaderKit.open('gateway.accounts');
  });
  afterAll(() => kit.close());

  it('finds its place in its own database: the broker still shows the start', async () => {
    const first = Array.from({ length: 50 }, () => accountRejected());
    const handled: string[] = [];
    const handle = async (batch: readonly { id: string }[]) => {
      handled.push(...batch.map(({ id }) => id));
      return { messages: [] };
    };
    const reader = await kit.start({ handle });
    await kit.send(first);
    await kit.untilRead();
    await kit.stop(reader);
    // As the crash leaves it: the group has committed nothing.
    await forgetGroup(kit);
    await kit.start({ handle });
    const last = accountRejected();
    await kit.send([last]);
    await until('the new record is handled', () => handled.includes(last.id));
    expect(handled.length).toBe(51);
    expect(new Set(handled)).toEqual(new Set([...first, last].map(({ id }) => id)));
  });

  it('takes a copy under the same id with other content for what it is, and applies neither again', async () => {
    const original = accountRejected();
    const other = { ...recordOf(original), value: JSON.stringify({ ...original.data, reason: 'another_reason' }) };
    await kit.sendTo(0, [recordOf(original), other]);
    await kit.untilRead();
    expect((await renderMetrics()).body).toMatch(
      /payflow_consumer_messages_total\{group="gateway.accounts",outcome="id_reused"\} 1/,
    );
  });
});

async function forgetGroup(kit: ReaderKit): Promise<void> {
  const admin = new Kafka({ brokers: [...kit.broker.brokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  await admin.deleteGroups([`${kit.broker.prefix}${kit.group}`]);
  await admin.disconnect();
}
