import { statement, type Database } from '@payflow/database';
import type { RunningService } from '@payflow/service';
import {
  createTestDatabase,
  createTestTopics,
  openSpecPool,
  testBroker,
  testServers,
  uniqueSuffix,
  type TestDatabase,
} from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { entities, migrations } from '../../database/index.js';
import { Client, startGateway } from '../../testing/gateway-under-test.js';
import { House } from '../../testing/house.js';

const broker = testBroker(uniqueSuffix());
const PAYMENTS = '/api/v1/payments';
const COUNT = 25;
/** However long the spec is about what it does meanwhile, the lock is held. */
const UNHURRIED = statement('spec.unhurried', 'set local idle_in_transaction_session_timeout = 0');
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let house: House;
let client: Client;
let accounts: string[];
let ids: string[];

interface Page {
  readonly data: readonly {
    readonly id: string;
    readonly reference: string | null;
    readonly created_at: string;
    readonly status: string;
  }[];
  readonly next_cursor: string | null;
}

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  accounts = [await client.open(), await client.open(), await client.open()];
  house.empty.add(accounts[2] as string);
  ids = [];
  for (let at = 0; at < COUNT; at++) {
    const [source, destination] = [accounts[at % 3], accounts[(at + 1) % 3]];
    const answer = await client.post(PAYMENTS, {
      source,
      destination,
      amount: '1',
      asset: 'USD',
      reference: `r-${at % 5}`,
    });
    const made = answer.status === 402 ? (answer.body['payment'] as { id: string }) : answer.body;
    ids.unshift(made['id'] as string);
  }
});
afterAll(async () => {
  await gateway?.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
});

async function page(query: string): Promise<Page> {
  const answer = await client.get(`${PAYMENTS}?${query}`);
  expect(answer.status).toBe(200);
  return answer.body as unknown as Page;
}

async function allPages(query: string): Promise<Page['data'][number][]> {
  const all: Page['data'][number][] = [];
  for (let cursor = ''; ;) {
    const { data, next_cursor } = await page(`${query}${cursor}`);
    all.push(...data);
    if (next_cursor === null) return all;
    cursor = `&cursor=${next_cursor}`;
  }
}

it('goes through all payments, newest first, each once', async () => {
  expect((await allPages('limit=4')).map(({ id }) => id)).toEqual(ids);
  expect((await page('limit=200')).data).toHaveLength(COUNT);
  expect((await page('')).next_cursor).toBeNull();
});

it.each([
  ['source', () => `source=${accounts[1] as string}`, 8],
  ['destination', () => `destination=${accounts[1] as string}`, 9],
  ['reference', () => 'reference=r-3', 5],
  ['status', () => 'status=failed', 8],
  ['status and source', () => `status=failed&source=${accounts[2] as string}`, 8],
  ['asset', () => 'asset=EUR', 0],
])('filters by %s, over pages too', async (_what, query, count) => {
  expect(await allPages(`${query()}&limit=2`)).toHaveLength(count);
});

it('filters by time, bounds in and out', async () => {
  const [newest] = (await page('limit=1')).data;
  const at = newest?.created_at as string;
  const atOnce = (await allPages('limit=50')).filter(({ created_at }) => created_at === at).length;
  expect((await page(`created[gte]=${at}`)).data).toHaveLength(atOnce);
  expect((await page(`created[gt]=${at}`)).data).toHaveLength(0);
  expect((await page(`created[lte]=${at}`)).data).toHaveLength(COUNT);
  expect((await page(`created[lt]=${at}`)).data).toHaveLength(COUNT - atOnce);
  expect((await page(`created[gte]=${at.replace('Z', '%2B00:00')}`)).data).toHaveLength(atOnce);
});

it('refuses a cursor with other filters, of another tenant, or changed', async () => {
  const cursor = (await page('limit=2')).next_cursor as string;
  const refusal = async (of: Client, query: string) => (await of.get(`${PAYMENTS}?${query}`)).body['code'];
  expect(await refusal(client, `status=failed&cursor=${cursor}`)).toBe('cursor_mismatch');
  expect(await refusal(await Client.of(db, gateway.base), `cursor=${cursor}`)).toBe('cursor_mismatch');
  const changed = `${cursor.slice(0, -2)}${cursor.endsWith('A') ? 'B' : 'A'}${cursor.slice(-1)}`;
  expect(await refusal(client, `cursor=${changed}`)).toBe('cursor_invalid');
  expect((await page(`limit=100&cursor=${cursor}`)).data).toHaveLength(COUNT - 2);
});

it('shows nothing of another tenant', async () => {
  const other = await Client.of(db, gateway.base);
  expect((await other.get(PAYMENTS)).body).toEqual({ data: [], next_cursor: null });
});

it('answers 503 for a list that takes too long, and leaves the pool to the writes meanwhile', async () => {
  const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  // Whoever holds the table makes every list of it slow; no write of a payment needs it.
  const locked = db.transaction(async (tx) => {
    await tx.rows(UNHURRIED);
    await tx.rows(statement('spec.lock-hold-views', 'lock table hold_views in access exclusive mode'));
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  try {
    const lists = Promise.all(Array.from({ length: 40 }, () => client.get('/api/v1/holds')));
    const payment = { source: accounts[0], destination: accounts[1], amount: '1', asset: 'USD' };
    for (let round = 0; round < 10; round++)
      expect((await client.post(PAYMENTS, payment, { prefer: 'wait=10' })).status).toBe(201);
    for (const { status, body, headers } of await lists)
      expect([status, body['code'], headers.get('retry-after')]).toEqual([503, 'unavailable', '1']);
  } finally {
    letGo.resolve();
  }
  await locked;
  expect((await client.get('/api/v1/holds')).status).toBe(200);
});

it('lists that take long keep those of no other organisation waiting', async () => {
  const other = await Client.of(db, gateway.base);
  const [held, letGo] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const locked = db.transaction(async (tx) => {
    await tx.rows(UNHURRIED);
    await tx.rows(statement('spec.lock-holds-again', 'lock table hold_views in access exclusive mode'));
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  try {
    const slow = Promise.all(Array.from({ length: 40 }, (_, at) => client.get(`/api/v1/holds?limit=${at + 1}`)));
    for (let at = 1; at <= 10; at++) expect((await other.get(`/api/v1/accounts?limit=${at}`)).status).toBe(200);
    expect(new Set((await slow).map(({ status }) => status))).toEqual(new Set([503]));
  } finally {
    letGo.resolve();
  }
  await locked;
});

it('serves its documentation', async () => {
  const document = (await client.get('/docs/openapi.json')).body;
  expect(document['openapi']).toBe('3.1.0');
  expect(Object.keys(document['paths'] as object)).toContain('/api/v1/payments/{id}');
  for (const path of ['/', '/docs/']) {
    const { status, headers } = await fetch(`${client.base}${path}`, { redirect: 'manual' });
    expect([status, headers.get('location')]).toEqual([302, '/docs']);
  }
  const page = await client.get('/docs');
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none';script-src 'self'");
  expect((await client.get('/docs/errors')).text).toContain('id="idempotency_key_reused"');
  expect((await client.get('/docs/changelog')).text).toContain('id="2026-11-20"');
  const files = [...page.text.matchAll(/"(\/docs\/assets\/[^"]+)"/g)].map(([, file]) => file as string);
  expect(files).toHaveLength(2);
  for (const file of files)
    expect((await client.get(file)).headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
});
