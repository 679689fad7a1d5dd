import { newId } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import {
  TcpProxy,
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  testBroker,
  testServers,
  uniqueSuffix,
  until,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { entities, migrations } from '../database/index.js';
import { Client, countRows, startGateway } from '../testing/gateway-under-test.js';
import { House } from '../testing/house.js';
import { signed, specReader } from '../testing/signed-webhooks.js';
import { WebhookReaders } from '../webhooks/readers.js';

const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let postgres: TcpProxy;
let redis: TcpProxy;
let gateway: RunningService & { base: string };
let house: House;
let client: Client;
let alice: string;
let bob: string;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  postgres = new TcpProxy(new URL(test.url));
  redis = new TcpProxy(new URL(testServers().redis));
  await Promise.all([postgres.open(), redis.open()]);
  gateway = await startGateway({ databaseUrl: postgres.url, broker, redisUrl: redis.url });
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  [alice, bob] = [await client.open(), await client.open()];
});
afterAll(async () => {
  await gateway?.stop();
  await house?.stop();
  await Promise.all([postgres?.close(), redis?.close()]);
  await db?.close();
  await test?.drop();
});

const pay = (headers: Record<string, string> = {}) =>
  client.post(
    '/api/v1/payments',
    { source: alice, destination: bob, amount: '5', asset: 'USD' },
    { prefer: 'wait=10', ...headers },
  );

const payUntilTaken = (from: Client, key: Record<string, string>) =>
  from.postUntilTaken(
    '/api/v1/payments',
    { source: alice, destination: bob, amount: '5', asset: 'USD' },
    { prefer: 'wait=10', ...key },
  );

/** The same client at another gateway. */
const at = (base: string): Client => Object.assign(Object.create(Client.prototype) as Client, client, { base });

/** A provider's, about a payment that only the database knows. */
const webhook = () => {
  gateway.app.get(WebhookReaders).set('spec', specReader);
  const merchantReference = `${client.tenant}/test/${newId('payment')}`;
  const told = {
    kind: 'dispute_opened',
    merchantReference,
    idempotencyKey: null,
    reference: 'dsp_1',
    code: null,
    amount: '1',
  };
  const body = JSON.stringify({ ...told, occurredAt: new Date().toISOString() });
  return client.post('/api/v1/provider_webhooks/spec', body, {
    ...signed(body, { id: newId('event') }),
    'idempotency-key': '',
  });
};

const readiness = async () => {
  const answer = await client.get('/readyz');
  const checks = answer.body['checks'] as { name: string; status: string }[];
  return { status: answer.status, down: checks.filter(({ status }) => status === 'down').map(({ name }) => name) };
};

describe('without PostgreSQL', () => {
  it('answers 503 with Retry-After within a second, says so, and is back by itself', async () => {
    await pay();
    await postgres.close();
    const start = performance.now();
    const answers = await Promise.all([pay(), pay(), client.get(`/api/v1/accounts/${alice}`), webhook()]);
    expect(performance.now() - start).toBeLessThan(1_000);
    for (const { status, headers, body } of answers) {
      expect([status, body['code'], body['retryable'], headers.get('retry-after')]).toEqual([
        503,
        'unavailable',
        true,
        '1',
      ]);
    }
    await until('readiness tells', async () => (await readiness()).status === 503);
    expect((await readiness()).down).toContain('postgres');
    await postgres.open();
    const back = performance.now();
    await until('payments are taken again', async () => (await pay()).status === 201);
    expect(performance.now() - back).toBeLessThan(10_000);
  });

  it('a key that was answered 503 can be used again, and makes one payment', async () => {
    const before = await countRows(db);
    const key = { 'idempotency-key': newId('event') };
    await postgres.close();
    expect((await pay(key)).status).toBe(503);
    await postgres.open();
    const answer = await until('it is taken', async () => {
      const retry = await pay(key);
      return retry.status === 201 ? retry : undefined;
    });
    expect(answer.body['status']).toBe('succeeded');
    expect(await countRows(db)).toMatchObject({
      payments: before.payments + 1,
      keys: before.keys + 1,
      messages: before.messages + 1,
    });
  });
});

describe('with a PostgreSQL that does not answer', () => {
  it('answers 503 all the same, and nothing is doubled when it speaks again', async () => {
    const before = await countRows(db);
    postgres.stall(true);
    const key = { 'idempotency-key': newId('event') };
    const start = performance.now();
    const answers = await Promise.all([pay(key), pay(), pay(), client.get(`/api/v1/accounts/${alice}`)]);
    expect(answers.map(({ status }) => status)).toEqual([503, 503, 503, 503]);
    expect(performance.now() - start).toBeLessThan(8_000);
    expect((await readiness()).down).toContain('postgres');
    postgres.stall(false);
    const answer = await until('payments are taken again', async () => {
      const retry = await pay(key);
      return retry.status === 201 ? retry : undefined;
    });
    expect(answer.body['status']).toBe('succeeded');
    await until('all have ended', async () => (await countRows(db)).pending === 0);
    const after = await countRows(db);
    expect(after.payments - before.payments).toBe(after.keys - before.keys);
    expect(after.messages - before.messages).toBe(after.keys - before.keys);
  });
});

describe('a COMMIT whose answer is lost', () => {
  it('is settled by the keys: one payment, and its end for the client', async () => {
    const before = await countRows(db);
    postgres.cutAfter = 'commit';
    // Consumers commit too: whoever is hit first, repeat until it was an acceptance.
    const answer = await pay();
    expect(postgres.cuts).toBe(1);
    expect([201, 503]).toContain(answer.status);
    await until('all have ended', async () => (await countRows(db)).pending === 0);
    const after = await countRows(db);
    expect(after.payments - before.payments).toBe(after.messages - before.messages);
    expect(after.keys - before.keys).toBe(after.payments - before.payments);
  });

  it('never doubles a payment, however often', async () => {
    const before = await countRows(db);
    const statuses: number[] = [];
    for (let round = 0; round < 15; round++) {
      postgres.cutAfter = 'commit';
      const key = { 'idempotency-key': newId('event') };
      let answer = await pay(key);
      for (let retry = 0; answer.status === 503 && retry < 20; retry++) answer = await pay(key);
      statuses.push(answer.status);
    }
    expect(statuses.every((status) => status === 201)).toBe(true);
    await until('all have ended', async () => (await countRows(db)).pending === 0);
    const after = await countRows(db);
    expect(after).toMatchObject({
      payments: before.payments + 15,
      keys: before.keys + 15,
      messages: before.messages + 15,
    });
    const bobs = await client.get(`/api/v1/payments?destination=${bob}&limit=200`);
    expect((bobs.body['data'] as { status: string }[]).every(({ status }) => status === 'succeeded')).toBe(true);
  }, 120_000);

  it('never doubles a group, a hold, its end or a change either', async () => {
    const terms = { debit_account: alice, credit_account: bob, amount: '5', asset: 'USD' };
    const untilAnswered = async (path: string, body: object, method = 'POST') => {
      postgres.cutAfter = 'commit';
      const headers = {
        ...{ 'idempotency-key': newId('event'), prefer: 'wait=10', 'content-type': 'application/json' },
        ...(method === 'PATCH' ? { 'if-match': '*' } : {}),
      };
      const answer = await until('it is answered', async () => {
        const one = await client.send(method, path, JSON.stringify(body), headers);
        return one.status === 503 ? undefined : one;
      });
      return [answer.status, answer.body['id'] as string] as const;
    };
    const before = await countRows(db);
    for (let round = 0; round < 3; round++) {
      const [placed, hold] = await untilAnswered('/api/v1/holds', terms);
      const [voided] = await untilAnswered(`/api/v1/holds/${hold}/void`, {});
      const [posted] = await untilAnswered('/api/v1/transfers', { legs: [terms, terms] });
      const [changed] = await untilAnswered(`/api/v1/accounts/${bob}`, { metadata: { round: `${round}` } }, 'PATCH');
      expect([placed, voided, posted, changed]).toEqual([201, 200, 201, 200]);
    }
    await until('all have ended', async () => (await countRows(db)).pending === 0);
    expect(await countRows(db)).toEqual({
      ...before,
      keys: before.keys + 12,
      holds: before.holds + 3,
      groups: before.groups + 3,
      transfers: before.transfers + 6,
      messages: before.messages + 12,
    });
  }, 120_000);
});

describe('without Redis', () => {
  it('every answer is the same, and readiness is degraded', async () => {
    await redis.close();
    const start = performance.now();
    const answer = await pay();
    expect([answer.status, answer.body['status']]).toEqual([201, 'succeeded']);
    expect(performance.now() - start).toBeLessThan(2_000);
    expect((await client.get(`/api/v1/payments/${answer.body['id'] as string}`)).body).toEqual(answer.body);
    const other = await Client.of(db, gateway.base);
    expect((await other.get('/api/v1/assets')).status).toBe(200);
    await until('readiness tells', async () => (await readiness()).down.includes('redis'));
    expect((await readiness()).status).toBe(200);
    await redis.open();
    await until('Redis is back', async () => (await readiness()).down.length === 0);
  });
});

describe('two gateways', () => {
  it('answer copies of one request alike, and whoever waits hears of the end', async () => {
    const second = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
    const before = await countRows(db);
    try {
      const twin = at(second.base);
      const answers = await Promise.all(
        Array.from({ length: 20 }, async () => {
          const key = { 'idempotency-key': newId('event') };
          return Promise.all([payUntilTaken(client, key), payUntilTaken(twin, key)]);
        }),
      );
      for (const [one, two] of answers) expect([one.status, one.text]).toEqual([201, two.text]);
      expect(await countRows(db)).toMatchObject({ payments: before.payments + 20, messages: before.messages + 20 });
    } finally {
      await second.stop();
    }
  });
});

describe('a drain', () => {
  it('answers what waits with 202 and ends in time', async () => {
    house.answering = false;
    const leaving = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
    const twin = at(leaving.base);
    const waiting = twin.post(
      '/api/v1/payments',
      { source: alice, destination: bob, amount: '5', asset: 'USD' },
      { prefer: 'wait=10' },
    );
    await until('it is durable', async () => (await countRows(db)).pending > 0);
    const start = performance.now();
    await leaving.stop();
    expect(performance.now() - start).toBeLessThan(14_000);
    expect((await waiting).status).toBe(202);
    house.answering = true;
    await until('all have ended', async () => (await countRows(db)).pending === 0);
  });
});
