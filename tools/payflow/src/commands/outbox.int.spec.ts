import { statement } from '@payflow/database';
import { costOf, createTestDatabase, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { OUTBOX_BY_TOPIC } from './outbox.js';

const PUBLISHED = 20_000;
const FILL = statement(
  'spec.fill-outbox',
  `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
   select now(), gen_random_uuid(), 't', 0, '[]', 2, 2, 2, now(), case when n > 3 then now() end
   from generate_series(1, ${PUBLISHED + 3}) as n`,
);
const SUMMED = statement(
  'spec.summed',
  `insert into sent_tallies values ('t', current_date, 7, 1), ('t', current_date - 1, 8, 1)`,
);

let db: TestDatabase;
let owner: Client;
beforeAll(async () => {
  db = await createTestDatabase('monitoring', MIGRATIONS.monitoring, 1);
  owner = new Client({ connectionString: db.ownerUrl });
  await owner.connect();
  await db.database.rows(statement('spec.partitions', 'select ensure_partitions(1)'));
  await db.database.count(FILL);
  await db.database.count(SUMMED);
  await owner.query('vacuum analyze outbox');
});
afterAll(async () => {
  await owner.end();
  await db.drop();
});

it('what waits is counted, and of what is published only what was counted as it left', async () => {
  const [row, ...others] = await db.database.rows(OUTBOX_BY_TOPIC);
  expect(others).toEqual([]);
  expect(
    Object.entries(row ?? {}).map(([name, value]) => [name, value instanceof Date ? 'an instant' : String(value)]),
  ).toEqual([
    ['topic', 't'],
    ['sent in 30 days', '15'],
    ['unpublished rows', '3'],
    ['unpublished messages', '6'],
    ['oldest unpublished', 'an instant'],
  ]);
  const { rows } = await costOf(owner, OUTBOX_BY_TOPIC, []);
  expect(rows).toBeLessThan(100);
});
