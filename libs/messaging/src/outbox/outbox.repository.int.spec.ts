import { statement } from '@payflow/database';
import { createTestDatabase, statementsOf, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MessagingGuards1763700013000 } from '../database/messaging-guards.js';
import { MessagingPartitions1764100040001 } from '../database/messaging-partitions.js';
import { MESSAGING_RIGHTS } from '../database/messaging-rights.js';
import { MessagingTables1763700000000 } from '../database/messaging-tables.js';
import { oldestUnpublished, republishRange } from './outbox.repository.js';

const ROWS = 25_000;
const SEND = statement(
  'spec.send',
  `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
   select at, gen_random_uuid(), case when n % 5 = 0 then 'other' else 'topic' end, 0, '[]', 1, 0, 0, at, at
   from generate_series(1, $1::integer) as n, lateral (select now() - n * interval '1 second' as at) as clock`,
);

let db: TestDatabase;
beforeAll(async () => {
  db = await createTestDatabase('payments', [
    MessagingTables1763700000000,
    MessagingGuards1763700013000,
    MessagingPartitions1764100040001,
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
    rows = await republishRange(database, 'topic', hence(-ROWS - 60), hence(60));
  });
  expect(rows).toBe(ROWS * 0.8);
  expect((await oldestUnpublished(database)).rows).toBe(ROWS * 0.8);
  expect(names).toHaveLength(Math.ceil(ROWS / 10_000));
  expect(await republishRange(database, 'topic', hence(-ROWS - 60), hence(60))).toBe(0);
  expect(await republishRange(database, 'other', hence(60), hence(120))).toBe(0);
});
