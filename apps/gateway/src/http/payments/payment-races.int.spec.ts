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
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { entities, migrations } from '../../database/index.js';
import { Sweeper } from '../../sweeper.js';
import { Client, startGateway, type Answered } from '../../testing/gateway-under-test.js';
import { House } from '../../testing/house.js';

const PAYMENTS = '/api/v1/payments';
const broker = testBroker(uniqueSuffix());
const AGE = `update pending_writes set accepted_at = accepted_at - interval '31 seconds'`;
const AGE_OUTBOX = statement(
  'spec.age-outbox',
  `update outbox set published_at = published_at - interval '31 seconds' where published_at is not null`,
);
const PUBLISHED = statement(
  'spec.published',
  'select published_at from outbox order by created_at desc, id desc limit 1',
);
let test: TestDatabase;
let db: Database;
let gateways: (RunningService & { base: string })[];
let house: House;
/** One tenant at both gateways. */
let here: Client;
let there: Client;
let terms: Record<string, unknown>;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  const stack = { databaseUrl: test.url, broker, redisUrl: testServers().redis };
  gateways = [await startGateway(stack), await startGateway(stack)];
  house = new House(db, broker);
  await house.start();
  here = await Client.of(db, gateways[0]?.base ?? '');
  there = await here.withKey(db, ['payments:read', 'payments:write']);
  there.base = gateways[1]?.base ?? '';
  terms = { source: await here.open(), destination: await here.open(), amount: '1000', asset: 'USD' };
});
afterAll(async () => {
  for (const gateway of gateways ?? []) await gateway.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
});
afterEach(() => {
  house.answering = true;
});

const paid = async (more: object = {}) =>
  (await here.postUntilTaken(PAYMENTS, { ...terms, ...more }, { prefer: 'wait=10' })).body['id'] as string;
const wishes = (payment: string) => house.commands.filter(({ data }) => (data as { id: string }).id === payment);
const numbers = (payment: string) => wishes(payment).map(({ data }) => (data as { sequence: number }).sequence);
const refunded = ({ body }: Answered) => body['id'] as string;

it('gives no number twice, whichever gateway is asked', async () => {
  const payment = await paid();
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      (at % 2 ? here : there).postUntilTaken(`${PAYMENTS}/${payment}/refunds`, { amount: '1' }, { prefer: 'wait=10' }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  expect(numbers(payment).sort((a, b) => a - b)).toEqual(Array.from({ length: 51 }, (_, at) => at + 1));
  expect((await here.get(`${PAYMENTS}/${payment}`)).body['amount_refunded']).toBe('50');
});

it('lets one of fifty captures through where each takes all', async () => {
  const payment = await paid({ capture: 'manual' });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, at) =>
      (at % 2 ? here : there).postUntilTaken(`${PAYMENTS}/${payment}/capture`, {}, { prefer: 'wait=10' }),
    ),
  );
  const statuses = answers.map(({ status }) => status).sort();
  expect(statuses).toEqual([200, ...Array<number>(49).fill(409)]);
});

it('answers copies at both gateways with the same bytes', async () => {
  const payment = await paid();
  const headers = { 'idempotency-key': 'both-gateways', prefer: 'wait=10' };
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, at) =>
      (at % 2 ? here : there).postUntilTaken(`${PAYMENTS}/${payment}/refunds`, { amount: '2' }, headers),
    ),
  );
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(new Set(answers.map(refunded)).size).toBe(1);
  expect(numbers(payment)).toEqual([1, 2]);
});

it('publishes a wish that nothing is heard of again, under its number', async () => {
  const payment = await paid();
  house.answering = false;
  const asked = await here.post(`${PAYMENTS}/${payment}/refunds`, { amount: '7' }, { prefer: 'wait=0' });
  expect(asked.status).toBe(202);
  const publishedAt = async () => (await db.rows<{ published_at: Date | null }>(PUBLISHED))[0]?.published_at?.getTime();
  const first = await until('it was published', publishedAt);
  await test.tamper(AGE);
  await db.count(AGE_OUTBOX);
  await gateways[0]?.app.get(Sweeper).sweep();
  await until('it is published again', async () => (await publishedAt()) !== first);
  // The outbox is where a command is or is not, and it is there once.
  await until('the wish is there', () => wishes(payment).length === 2);
  house.answering = true;
  const final = await until('it ends', async () => {
    const { body } = await there.get(`/api/v1/refunds/${refunded(asked)}`);
    return body['status'] === 'succeeded' ? body : undefined;
  });
  expect([final['amount'], numbers(payment)]).toEqual(['7', [1, 2]]);
});
