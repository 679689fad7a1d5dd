import { fromUuid, newId, uuidOf, type AnyMessage, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { checkInvariant, compareTallies, readTallies, type Invariant } from '@payflow/invariants';
import { Messaging, tallyOf } from '@payflow/messaging';
import {
  costOf,
  createTestDatabase,
  createTestTopics,
  testBroker,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from '../database/invariants.js';
import { migrations } from '../database/index.js';
import { EventsHandler } from './events.handler.js';

const tenant = newId('tenant');
const now = new Date().toISOString();

const data = (metadata: Record<string, string> = {}): MessageData['payflow.payment.failed.v1'] => ({
  id: newId('payment'),
  status: 'failed',
  source: newId('account'),
  destination: newId('account'),
  amount: '1999',
  asset: 'USD',
  amount_captured: '0',
  amount_refunded: '0',
  method: { type: 'internal' },
  reference: null,
  metadata,
  failure: { code: 'insufficient_funds' },
  version: 1,
  created_at: now,
  updated_at: now,
  accounts: [],
});

function failed(id = newId('event'), about = data()): AnyMessage<'payflow.payment.failed.v1'> {
  const context = { tenant, livemode: false, causationId: id, correlationId: id, actor: 'spec', time: now };
  return {
    id,
    type: 'payflow.payment.failed.v1',
    data: about,
    subject: about.id,
    key: about.id,
    aggregateVersion: 1,
    ...context,
    traceparent: undefined,
    tracestate: undefined,
  };
}

const idAt = (time_ms: number, version = 7) => {
  const hex = time_ms.toString(16).padStart(12, '0');
  return fromUuid(
    'event',
    `${hex.slice(0, 8)}-${hex.slice(8)}-${version}000-8000-${newId('event')
      .slice(-12)
      .replaceAll(/[^0-9a-f]/g, '0')}`,
  );
};

const DEAD = statement(
  'spec.dead',
  `insert into dead_letters (consumer_group, topic, partition, record_offset, event_id, error_class, error_message, attempts, first_at, record_headers)
   values ('archiver.payments', 'payments.events.v1', 0, 0, $1, 'killed_process', 'spec', 3, clock_timestamp(), '{}')`,
);
const RECEIVED_AFTER_ALL = statement(
  'spec.received-after-all',
  `insert into inbox (consumer_group, event_id, content_hash) values ('archiver.payments', $1, 0)`,
);
const BURY = statement('spec.bury', 'delete from dead_letters');

const STORED = statement(
  'spec.stored',
  'select event_id, tableoid::regclass::text as partition, subject, data, type, topic from archived_events where event_id = any ($1::uuid[])',
);
const stored = (db: TestDatabase, ids: readonly string[]) =>
  db.database.rows<{ event_id: string; partition: string; data: unknown; subject: string }>(STORED, [
    ids.map((id) => uuidOf('event', id)),
  ]);

describe('the archive on real PostgreSQL', () => {
  let db: TestDatabase;
  const handler = new EventsHandler();
  const archive = (...events: AnyMessage[]) => db.database.transaction((tx) => handler.payments(events, tx));

  beforeAll(async () => {
    db = await createTestDatabase('archiver', migrations);
    await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  });
  afterAll(() => db.drop());

  it('stores each event once, as it came, and names what it had', async () => {
    const events = [failed(), failed(), failed()];
    expect(await archive(...events)).toEqual({ messages: [], repeated: [] });
    const again = failed();
    expect(await archive(events[1] as AnyMessage, again)).toEqual({ messages: [], repeated: [events[1]?.id] });
    const rows = await stored(
      db,
      [...events, again].map(({ id }) => id),
    );
    expect(rows).toHaveLength(4);
    expect(rows.find(({ subject }) => subject === again.subject)).toMatchObject({
      data: again.data,
      type: again.type,
      topic: 'payments.events.v1',
    });
  });

  it('counts a dead letter as set aside, and no more once another copy of it was received', async () => {
    const id = newId('event');
    await db.database.rows(DEAD, [id]);
    const setAside = async () =>
      (await readTallies(db.database)).set_aside.map(({ kind, messages }) => [kind, messages]);
    expect(await setAside()).toEqual([['dead_lettered', 1]]);
    await db.database.rows(RECEIVED_AFTER_ALL, [uuidOf('event', id)]);
    expect(await setAside()).toEqual([]);
    await db.database.rows(BURY);
  });

  it('keeps events whose ids carry absurd times, once each', async () => {
    const ids = [
      idAt(0),
      idAt(Date.UTC(2019, 5)),
      idAt(Date.UTC(2150, 0)),
      idAt(Date.UTC(2024, 2, 31)),
      idAt(Date.UTC(2041, 7)),
    ];
    await archive(...ids.map((id) => failed(id)));
    expect((await archive(...ids.map((id) => failed(id)))).repeated).toEqual(ids);
    const partitions = new Map((await stored(db, ids)).map((row) => [row.event_id, row.partition]));
    expect(ids.map((id) => partitions.get(uuidOf('event', id)))).toEqual([
      'archived_events_undated',
      'archived_events_undated',
      'archived_events_undated',
      'archived_events_202403',
      'archived_events_204108',
    ]);
    await db.database.rows(statement('spec.partitions-again', 'select ensure_partitions(2)'));
  });

  it('keeps what falls into the hour that a month made in another zone has no place for', async () => {
    await db.tamper(`select make_partition('archived_events', 'archived_events_202405');
      select attach_partition('archived_events', 'archived_events_202405', '2024-05-01 00:00+00', '2024-05-31 23:00+00')`);
    const ids = [idAt(Date.UTC(2024, 4, 31, 22, 59)), idAt(Date.UTC(2024, 4, 31, 23, 30))];
    for (const id of ids) await archive(failed(id));
    expect((await archive(...ids.map((id) => failed(id)))).repeated).toEqual(ids);
    const partitions = new Map((await stored(db, ids)).map((row) => [row.event_id, row.partition]));
    expect(ids.map((id) => partitions.get(uuidOf('event', id)))).toEqual([
      'archived_events_202405',
      'archived_events_rest_202405',
    ]);
  });

  it('can be added to and not changed, neither by the table nor by its partitions', async () => {
    await archive(failed());
    const [{ partition } = { partition: '' }] = await db.database.rows<{ partition: string }>(
      statement('spec.a-partition', 'select tableoid::regclass::text as partition from archived_events limit 1'),
    );
    for (const table of ['archived_events', partition]) {
      await expect(db.database.rows(statement(`spec.delete-${table}`, `delete from ${table}`))).rejects.toMatchObject({
        code: '42501',
      });
      await expect(
        db.database.rows(statement(`spec.update-${table}`, `update ${table} set actor = 'x'`)),
      ).rejects.toMatchObject({ code: '42501' });
      await expect(db.database.rows(statement(`spec.truncate-${table}`, `truncate ${table}`))).rejects.toMatchObject({
        code: '42501',
      });
    }
  });

  it('adds up what it stored by type and day, each event once', async () => {
    const sums = async () => (await readTallies(db.database)).archived.find(({ day }) => day === now.slice(0, 10));
    const before = await sums();
    const events = [failed(), failed()];
    await archive(...events);
    await archive(...events);
    const after = await sums();
    expect((after?.messages ?? 0) - (before?.messages ?? 0)).toBe(2);
    expect(((after?.id_sum ?? 0) - (before?.id_sum ?? 0) + 2 ** 48) % 2 ** 48).toBe(
      tallyOf(events.map(({ id }) => id)).idSum,
    );
  });

  it('I20 holds of ids that carry no time, though their first digits look like one', async () => {
    const oneMark = invariants.find(({ name }) => name === 'I20') as Invariant;
    const ids = [idAt(Date.now(), 4), idAt(Date.UTC(2041, 7), 4), idAt(Date.UTC(2150, 0), 4), idAt(1, 4)];
    await archive(...ids.map((id) => failed(id)));
    expect((await stored(db, ids)).map(({ partition }) => partition)).toEqual(ids.map(() => 'archived_events_undated'));
    for (const form of ['running', 'full'] as const)
      expect((await checkInvariant(db.database, oneMark, form)).sample).toEqual([]);
  });

  it('I20 sees an event that was stored and not counted, and one that was counted and not stored', async () => {
    const oneMark = invariants.find(({ name }) => name === 'I20') as Invariant;
    const found = async () => {
      const running = (await checkInvariant(db.database, oneMark, 'running')).sample;
      expect((await checkInvariant(db.database, oneMark, 'full')).sample).toEqual(running);
      return running.join('; ');
    };
    const event = failed();
    await archive(event);
    expect(await found()).toBe('');
    const counted = (change: string) =>
      db.tamper(`update archived_tallies set ${change} where day = current_date and (topic, type, slot) = (
        select topic, type, slot from archived_tallies where day = current_date order by 1, 2, 3 limit 1)`);
    await counted('messages = messages - 1');
    expect(await found()).toMatch(/^archived_events\/\S+: \d+ stored, \d+ counted$/);
    await counted('messages = messages + 1, id_sum = id_sum + 1');
    expect(await found()).toMatch(/^archived_events\/\S+: (\d+) stored, \1 counted$/);
    await counted('id_sum = id_sum - 1');
    const row = `where event_id = '${uuidOf('event', event.id)}'`;
    await db.tamper(`create table kept as select * from archived_events ${row}; delete from archived_events ${row}`);
    expect(await found()).toMatch(/stored, \d+ counted$/);
    await db.tamper('insert into archived_events select * from kept; drop table kept');
    expect(await found()).toBe('');
  });

  it('I20 looks at the events of a day alone, however many the archive has', async () => {
    const oneMark = invariants.find(({ name }) => name === 'I20') as Invariant;
    const admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    // From ten days ago until yesterday, and of a month that is long over.
    await db.tamper(`
      insert into archived_events (tenant_id, livemode, event_id, id_time, topic, type, subject, aggregate_version, causation_id, correlation_id, actor, data)
      select gen_random_uuid(), false, (left(uuid_floor(at)::text, 24) || lpad(to_hex(n), 12, '0'))::uuid, at, '', '', '', 1, '', '', 'of-old', '{}'
      from generate_series(1, 40000) as n, lateral (select case when n % 2 = 0 then timestamptz '2024-03-31 12:00+00'
        else now() - interval '1 day' - (40000 - n) * interval '20 seconds' end as at) as clock`);
    await admin.query('vacuum analyze archived_events');
    const { rows } = await costOf(admin, oneMark.running, []);
    await admin.end();
    await db.tamper(`delete from archived_events where actor = 'of-old'`);
    expect(rows).toBeLessThan(1_000);
  });

  it('I33 sees a card number in what was archived', async () => {
    const noSecrets = invariants.find(({ name }) => name === 'I33') as Invariant;
    expect((await checkInvariant(db.database, noSecrets, 'running')).sample).toEqual([]);
    const event = failed(newId('event'), data({ note: '5555-5555-5555-4444' }));
    await archive(event);
    for (const form of ['running', 'full'] as const) {
      expect((await checkInvariant(db.database, noSecrets, form)).sample).toEqual([
        `archived_events/${uuidOf('event', event.id)} card_number`,
      ]);
    }
  });
});

describe('the archiver behind the runner', () => {
  let db: TestDatabase;
  let messaging: Messaging;
  const handler = new EventsHandler();

  beforeAll(async () => {
    const broker = testBroker(uniqueSuffix());
    [db] = await Promise.all([createTestDatabase('archiver', migrations), createTestTopics(broker)]);
    messaging = new Messaging({ broker, database: db.database, partitions: 'single' });
    await messaging.start();
    await messaging.subscribe('archiver.payments', { handle: (events, tx) => handler.payments(events, tx) });
    await messaging.subscribe('archiver.ledger', { handle: (events, tx) => handler.ledger(events, tx) });
  });
  afterAll(async () => {
    await messaging.close();
    await db.drop();
  });

  it('archives what the topics carry; sent equals received', async () => {
    const origin = { tenant, livemode: false, actor: 'spec' };
    const payments = Array.from({ length: 40 }, () => data()).map((about) => ({
      type: 'payflow.payment.failed.v1' as const,
      subject: about.id,
      data: about,
      origin,
      aggregateVersion: 1,
    }));
    const rejected = Array.from({ length: 10 }, () => newId('account')).map((id) => ({
      type: 'payflow.account.rejected.v1' as const,
      subject: id,
      data: { id, reason: 'account_exists', recorded_at: now },
      origin,
      aggregateVersion: 1,
    }));
    const staged = await db.database.transaction((tx) =>
      messaging.outbox.stage(tx, [...payments, ...rejected], () => undefined),
    );
    staged.publish();
    const COUNT = statement('spec.count', 'select count(*)::integer as count from archived_events');
    await until('all are archived', async () => (await db.database.rows<{ count: number }>(COUNT))[0]?.count === 50);
    // A transaction that is open anywhere on the server holds back what counts as sent: another spec may have one.
    const { sent, received, archived } = await until('all count as sent', async () => {
      const tallies = await readTallies(db.database);
      return tallies.sent.reduce((sum, { messages }) => sum + messages, 0) === 50 ? tallies : undefined;
    });
    const sums = (tallies: readonly { topic: string; messages: number; id_sum: number }[]) =>
      tallies
        .map(({ topic, messages, id_sum }) => ({ topic, messages, id_sum }))
        .sort((a, b) => a.messages - b.messages);
    expect(sums(received)).toEqual(sums(sent));
    expect(sums(archived)).toEqual(sums(sent));
    expect(sums(sent).map(({ messages }) => messages)).toEqual([10, 40]);
  });

  it('I21 sees an event that was not received, and one that was received twice', async () => {
    const ofArchiver = async () =>
      compareTallies([await readTallies(db.database)]).filter(({ group }) => group.startsWith('archiver.'));
    expect(await ofArchiver()).toEqual([]);
    const change = (by: number, group: string) =>
      db.database.rows(
        statement(
          `spec.tally-${by}-${group}`,
          `update received_tallies set messages = messages + ${by}, id_sum = id_sum + ${by} where consumer_group = '${group}'`,
        ),
      );
    await change(-1, 'archiver.payments');
    await change(1, 'archiver.ledger');
    const mismatches = await ofArchiver();
    const missing = (group: string) =>
      mismatches
        .filter((mismatch) => mismatch.group === group)
        .reduce((sum, { missing_messages }) => sum + missing_messages, 0);
    expect([missing('archiver.payments') > 0, missing('archiver.ledger') < 0]).toEqual([true, true]);
  });
});
