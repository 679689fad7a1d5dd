import { newId } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  testBroker,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entities, migrations } from './database/index.js';
import { Sweeper } from './sweeper.js';
import { Client, countRows, startGateway } from './testing/gateway-under-test.js';
import { House } from './testing/house.js';

const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let house: House;
let client: Client;

const AGE = `update pending_writes
  set accepted_at = accepted_at - interval '31 seconds', republished_at = republished_at - interval '31 seconds'`;
const AGE_OUTBOX = statement(
  'spec.age-outbox',
  `update outbox set published_at = published_at - interval '31 seconds' where published_at is not null`,
);
const PUBLISHED = statement(
  'spec.published',
  'select published_at from outbox order by created_at desc, id desc limit 1',
);
const ageKeys = (keys: readonly string[]) =>
  `update idempotency_records set created_at = created_at - interval '9 days' where idempotency_key in ('${keys.join("','")}')`;
const KEYS = statement(
  'spec.keys',
  'select idempotency_key as key from idempotency_records where idempotency_key = any ($1::text[])',
);

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
});
afterAll(async () => {
  await gateway?.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
});

const publishedAt = async () => (await db.rows<{ published_at: Date | null }>(PUBLISHED))[0]?.published_at?.getTime();

it('publishes the stored command of a write that nothing is heard of again, and once per 30 s', async () => {
  house.answering = false;
  const { status } = await client.post('/api/v1/accounts', { asset: 'USD' }, { prefer: 'wait=0' });
  expect(status).toBe(202);
  const first = await until('it was published', publishedAt);
  const sweeper = gateway.app.get(Sweeper);
  await sweeper.sweep();
  expect(await publishedAt()).toBe(first);
  await test.tamper(AGE);
  await db.count(AGE_OUTBOX);
  await sweeper.sweep();
  const again = await until('it was published again', async () => {
    const at = await publishedAt();
    return at !== undefined && at > first ? at : undefined;
  });
  await sweeper.sweep();
  expect(await publishedAt()).toBe(again);
  expect((await countRows(db)).messages).toBe(1);
  house.answering = true;
  await until('it has ended', async () => (await countRows(db)).pending === 0);
});

it('forgets answered keys after eight days, and no others', async () => {
  const [answered, open] = [newId('event'), newId('event')];
  await client.post('/api/v1/accounts', { asset: 'USD' }, { 'idempotency-key': answered, prefer: 'wait=10' });
  house.answering = false;
  await client.post('/api/v1/accounts', { asset: 'USD' }, { 'idempotency-key': open, prefer: 'wait=0' });
  await test.tamper(ageKeys([answered, open]));
  await gateway.app.get(Sweeper).sweep();
  expect(await db.rows(KEYS, [[answered, open]])).toEqual([{ key: open }]);
  house.answering = true;
});
