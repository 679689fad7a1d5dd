import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MIGRATIONS } from '../installation.js';
import { retire } from './partitions.js';

const DAY_MS = 86_400_000;
const dayOf = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const nameOf = (days: number) => `outbox_${dayOf(days).replaceAll('-', '')}`;
const ROW = `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until, published_at)
  values ($1, gen_random_uuid(), 't', 0, '[]', 1, 1, 1, now(), $2)`;

let db: TestDatabase;
let owner: Client;
let writer: Client;
let reader: Client;
beforeAll(async () => {
  db = await createTestDatabase('monitoring', MIGRATIONS.monitoring, 1);
  [owner, writer, reader] = [db.ownerUrl, db.url, db.url].map((url) => new Client({ connectionString: url })) as [
    Client,
    Client,
    Client,
  ];
  await Promise.all([owner.connect(), writer.connect(), reader.connect()]);
  await owner.query('select ensure_partitions(1)');
  for (const days of [-10, -11])
    await owner.query(
      `create table ${nameOf(days)} partition of outbox for values from ('${dayOf(days)}') to ('${dayOf(days + 1)}')`,
    );
});
afterAll(async () => {
  await Promise.all([owner, writer, reader].map((client) => client.end()));
  await db.drop();
});

describe('payflow partitions retire', () => {
  it('waits for a long reader and keeps no writer waiting, and leaves a day with a row that was not sent', async () => {
    await writer.query(ROW, [`${dayOf(-11)}T12:00:00Z`, null]);
    await reader.query('begin; select count(*) from outbox');
    const retiring = retire(owner);
    await until('the detach waits for the reader', async () => {
      const { rowCount } = await writer.query("select from partitions_of('outbox') where is_detaching");
      return rowCount === 1;
    });
    // A lock that has to be waited for would end this with an error.
    await writer.query("set lock_timeout = '100ms'");
    await writer.query(ROW, [new Date(), null]);
    expect((await writer.query('select from outbox')).rowCount).toBe(2);
    await reader.query('commit');
    expect(await retiring).toEqual([nameOf(-10)]);
    expect(await retire(owner)).toEqual([]);
  });
});
