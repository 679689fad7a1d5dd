import { runMigrations, statement } from '@payflow/database';
import { provisionTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DeadLettersSettled1764700000121 } from './dead-letters-settled.js';
import { MessagingTables1763700000000 } from './messaging-tables.js';
import { SetAsideInOrder1764700000201 } from './set-aside-in-order.js';

const RIGHTS = { parked_messages: { delete: true }, dead_letters: { delete: true } } as const;
const BEFORE = [MessagingTables1763700000000, DeadLettersSettled1764700000121, RIGHTS];
const PARKED = `insert into parked_messages (consumer_group, tenant, record_key, topic, partition, record_offset, event_id, message, parked_at)
  values ('g', 't', 'k', 't', 0, $1, gen_random_uuid(), '{}', $2)`;
const LETTER = `insert into dead_letters (consumer_group, topic, partition, record_offset, error_class, error_message, attempts, first_at, record_headers)
  values ('g', 't', 0, $1, 'undecodable', 'spec', 1, now(), '{}')`;

const AT = Date.UTC(2026, 10, 1);

let tables: TestDatabase;
beforeAll(async () => {
  tables = await provisionTestDatabase('archiver', BEFORE);
});
afterAll(() => tables.drop());

it('what was set aside before it had a number goes by when that was, and by its offset where that was at once, and before all that comes', async () => {
  const { database: db } = tables;
  const [park, put] = [statement('spec.park', PARKED), statement('spec.put', LETTER)];
  for (const offset of [9, 3, 5]) {
    await db.rows(park, [offset, new Date(AT)]);
    await db.rows(put, [offset]);
  }
  // Of a log that was lost: it came first.
  await db.rows(park, [77, new Date(AT - 1)]);
  await runMigrations(tables.ownerUrl, [...BEFORE, SetAsideInOrder1764700000201]);
  for (const offset of [1, 2]) {
    await db.rows(park, [offset, new Date(AT - 2)]);
    await db.rows(put, [offset]);
  }
  const offsets = async (table: string) => {
    const query = statement(
      `spec.${table}`,
      `select record_offset::integer as "offset" from ${table} order by arrival`,
    );
    return (await db.rows<{ offset: number }>(query)).map(({ offset }) => offset);
  };
  expect(await offsets('parked_messages')).toEqual([77, 3, 5, 9, 1, 2]);
  expect(await offsets('dead_letters')).toEqual([9, 3, 5, 1, 2]);
});
