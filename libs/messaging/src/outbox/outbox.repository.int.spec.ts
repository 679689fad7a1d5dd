import { statement, statementNamed } from '@payflow/database';
import { costOf, createTestDatabase, statementsOf, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MessagingGuards1763700013000 } from '../database/messaging-guards.js';
import { MessagingPartitions1764100040001 } from '../database/messaging-partitions.js';
import { MESSAGING_RIGHTS } from '../database/messaging-rights.js';
import { MessagingTables1763700000000 } from '../database/messaging-tables.js';
import { OutboxInOrder1764700000101 } from '../database/outbox-in-order.js';
import { claimExpired, oldestUnpublished_s, republishRange } from './outbox.repository.js';

const ROWS = 25_000;
const SEND = statement(
  'spec.send',
  `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
   select at, gen_random_uuid(), case when n % 5 = 0 then 'other' else 'topic' end, 0, '[]', 1, 0, 0, at, at
   from generate_series(1, $1::integer) as n, lateral (select now() - n * interval '1 second' as at) as clock`,
);

const UNPUBLISHED = statement(
  'spec.unpublished',
  'select count(*)::integer as rows from outbox where published_at is null',
);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('payments', [
    MessagingTables1763700000000,
    MessagingGuards1763700013000,
    MessagingPartitions1764100040001,
    OutboxInOrder1764700000101,
    MESSAGING_RIGHTS,
  ]);
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  await db.database.rows(SEND, [ROWS]);
});
afterAll(() => db.drop());

it('gives a long span of a topic to the relay in steps of which none grows with it', async () => {
  const { database } = db;
  const hence = (seconds: number) => new Date(Date.now() + seconds * 1_000);
  let rows = 0;
  const names = await statementsOf(async () => {
    ({ again: rows } = await republishRange(database, { topic: 'topic', from: hence(-ROWS - 60), to: hence(60) }));
  });
  expect(rows).toBe(ROWS * 0.8);
  expect(await database.rows(UNPUBLISHED)).toEqual([{ rows: ROWS * 0.8 }]);
  expect(await oldestUnpublished_s(database)).toBeGreaterThan(ROWS - 60);
  expect(names).toHaveLength(Math.ceil(ROWS / 10_000));
  expect(await republishRange(database, { topic: 'topic', from: hence(-ROWS - 60), to: hence(60) })).toEqual({
    again: 0,
    waiting: ROWS * 0.8,
  });
  expect(await republishRange(database, { topic: 'other', from: hence(60), to: hence(120) })).toEqual({
    again: 0,
    waiting: 0,
  });
});

describe('of a backlog of 100,000 rows', () => {
  const BACKLOG = 100_000;
  let admin: Client;
  beforeAll(async () => {
    admin = new Client({ connectionString: db.adminUrl });
    await admin.connect();
    await admin.query(
      `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until)
       select now() - n * interval '1 millisecond', gen_random_uuid(), 'backlog', n % 2, '[]', 1, 0, 0, now() - interval '1 second'
       from generate_series(1, ${BACKLOG}) as n`,
    );
  });
  afterAll(() => admin.end());

  it.each(['as it has grown', 'once it is counted'])('a claim reads few, %s, wherever it begins', async (when) => {
    if (when === 'once it is counted') await admin.query('analyze outbox');
    const { rows } = await admin.query<{ at: string; id: string }>(
      `select created_at::text as at, id from outbox where topic = 'backlog' order by created_at, id offset ${BACKLOG - 100} limit 1`,
    );
    const [late] = rows as [{ at: string; id: string }];
    for (const [at, id] of [
      ['-infinity', '00000000-0000-0000-0000-000000000000'],
      [late.at, late.id],
    ]) {
      const cost = await costOf(admin, statementNamed('outbox.claim'), ['50', `'{}'`, `'${at}'`, `'${id}'`]);
      expect(cost.rows).toBeLessThan(1_000);
    }
    const oldest = await costOf(admin, statementNamed('outbox.oldest-unpublished'), []);
    expect(oldest.rows).toBeLessThan(10);
  });

  it('each claim goes on behind the one before', async () => {
    const first = await claimExpired(db.database, 50, ['topic/0', 'other/0']);
    const second = await claimExpired(db.database, 50, ['topic/0', 'other/0'], first.at(-1));
    expect([first.length, second.length]).toEqual([50, 50]);
    expect(Number(second[0]?.created_at)).toBeGreaterThanOrEqual(Number(first.at(-1)?.created_at));
    expect(await claimExpired(db.database, 1, ['topic/0', 'other/0', 'backlog/0', 'backlog/1'])).toEqual([]);
  });
});
