import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
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
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayCaches } from '../../cache/gateway-caches.js';
import { entities, migrations } from '../../database/index.js';
import { Client, startGateway, type Answered } from '../../testing/gateway-under-test.js';
import { House } from '../../testing/house.js';
import { told } from '../../testing/stage.js';

type Gateway = RunningService & { readonly base: string };

const broker = testBroker(uniqueSuffix());
const ROUNDS = 30;
let test: TestDatabase;
let db: Database;
let gateway: Gateway;
let another: Gateway;
let house: House;
let client: Client;
/** The same tenant's requests to the other process. */
let elsewhere: Client;
let ledger: Server;
let asked = 0;
let ledgerStatus = 200;

beforeAll(async () => {
  ledger = createServer((request, response) => {
    asked++;
    const body = JSON.stringify({ next: null, data: [], asked, url: request.url });
    response.writeHead(ledgerStatus, { 'content-type': 'application/json' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(ledger, 'listening');
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  const start = () =>
    startGateway({
      databaseUrl: test.url,
      broker,
      redisUrl: testServers().redis,
      env: { PAYFLOW_INTERNAL_LEDGER_URL: `http://127.0.0.1:${(ledger.address() as AddressInfo).port}` },
    });
  [gateway, another] = await Promise.all([start(), start()]);
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  elsewhere = await client.withKey(db, ['accounts:read', 'payments:read', 'payments:write']);
  elsewhere.base = another.base;
  await until('both use what they share', () =>
    [gateway, another].every(({ app }) => app.get(GatewayCaches, { strict: false }).all.isTrusted([])),
  );
});
afterAll(async () => {
  await Promise.all([gateway.stop(), another.stop()]);
  await house.stop();
  await db.close();
  await test.drop();
  ledger.closeAllConnections();
  ledger.close();
});

const VERSION = statement('spec.account-version', 'select max(version)::integer as version from account_views');

async function pay(by: Client, source: string, destination: string): Promise<Answered> {
  const payment = { source, destination, amount: '1', asset: 'USD', method: { type: 'internal' } };
  return by.post('/api/v1/payments', payment, { prefer: 'wait=10' });
}

const numberOf = ({ body }: Answered, name: string): number => Number(body[name]);

describe('a read of one thing', () => {
  it('is answered from the cache until it changes, and then anew: with ETag, Age and what may be kept of it', async () => {
    const [source, destination] = [await client.open(), await client.open()];
    await client.get(`/api/v1/accounts/${source}`);
    const again = await client.get(`/api/v1/accounts/${source}`);
    expect([again.status, again.headers.get('cache-control'), again.headers.get('age')]).toEqual([
      200,
      'private, no-cache',
      '0',
    ]);
    const etag = again.headers.get('etag') as string;
    expect((await client.get(`/api/v1/accounts/${source}`, { 'if-none-match': etag })).status).toBe(304);
    expect((await pay(client, source, destination)).status).toBe(201);
    const after = await client.get(`/api/v1/accounts/${source}`, { 'if-none-match': etag });
    expect([after.status, after.body['posted_debits']]).toEqual([200, '1']);
  });

  it('is never older than a 201 that the same process gave, however often it was read before', async () => {
    const [source, destination] = [await client.open(), await client.open()];
    for (let round = 1; round <= ROUNDS; round++) {
      await Promise.all([source, destination].map((id) => client.get(`/api/v1/accounts/${id}`)));
      const paid = await pay(client, source, destination);
      const id = String(paid.body['id']);
      const [payment, from, to] = await Promise.all([
        client.get(`/api/v1/payments/${id}`),
        client.get(`/api/v1/accounts/${source}`),
        client.get(`/api/v1/accounts/${destination}`),
      ]);
      expect([paid.status, payment.body['status']]).toEqual([201, 'succeeded']);
      expect([numberOf(from, 'posted_debits'), numberOf(to, 'posted_credits')]).toEqual([round, round]);
    }
  });

  it('follows in the other process, whichever of them applied the change', async () => {
    const [source, destination] = [await client.open(), await client.open()];
    for (let round = 1; round <= ROUNDS; round++) {
      const [payer, reader] = round % 2 === 0 ? [client, elsewhere] : [elsewhere, client];
      await reader.get(`/api/v1/accounts/${source}`);
      const paid = await pay(payer, source, destination);
      await until('the other process shows it', async () => {
        const [from, payment] = await Promise.all([
          reader.get(`/api/v1/accounts/${source}`),
          reader.get(`/api/v1/payments/${String(paid.body['id'])}`),
        ]);
        expect(payment.status).toBe(200);
        return numberOf(from, 'posted_debits') === round && payment.body['status'] === 'succeeded';
      });
    }
  });

  it('is there right after 202 although it was asked for before, and its end is seen as well', async () => {
    const [source, destination] = [await client.open(), await client.open()];
    const id = newId('payment');
    expect(told(await client.get(`/api/v1/payments/${id}`))).toBe('404 not_found');
    house.answering = false;
    const payment = { id, source, destination, amount: '1', asset: 'USD', method: { type: 'internal' } };
    expect((await client.post('/api/v1/payments', payment, { prefer: 'wait=0' })).status).toBe(202);
    for (const reader of [client, elsewhere, client])
      expect((await reader.get(`/api/v1/payments/${id}`)).body['status']).toBe('pending');
    house.answering = true;
    for (const reader of [client, elsewhere])
      await until('its end is seen', async () => {
        return (await reader.get(`/api/v1/payments/${id}`)).body['status'] === 'succeeded';
      });
  });

  it("is another tenant's 404, cached or not (I30)", async () => {
    const id = await client.open();
    await client.get(`/api/v1/accounts/${id}`);
    const stranger = await Client.of(db, gateway.base);
    expect(told(await stranger.get(`/api/v1/accounts/${id}`))).toBe('404 not_found');
    expect(told(await stranger.get(`/api/v1/accounts/${id}/balance`))).toBe('404 not_found');
    const live = await client.withKey(db, ['accounts:read'], true);
    expect(told(await live.get(`/api/v1/accounts/${id}`))).toBe('404 not_found');
  });

  it('is as the view has it where the request will have no cache', async () => {
    const id = await client.open();
    await client.get(`/api/v1/accounts/${id}`);
    // Behind the back of every cache, as an operator's repair would.
    await db.source.query(`update account_views set version = version + 100 where path is null and id = (
      select id from account_views order by created_at desc limit 1)`);
    const [row] = await db.rows<{ version: number }>(VERSION);
    const cached = await client.get(`/api/v1/accounts/${id}`);
    const anew = await client.get(`/api/v1/accounts/${id}`, { 'cache-control': 'no-cache' });
    expect(numberOf(cached, 'version')).toBeLessThan(numberOf(anew, 'version'));
    expect(numberOf(anew, 'version')).toBe(row?.version);
    expect(numberOf(await client.get(`/api/v1/accounts/${id}`), 'version')).toBe(row?.version);
  });
});

describe("an answer of the ledger's", () => {
  it('is kept until the account changes: per form, tenant and scopes', async () => {
    const [source, destination] = [await client.open(), await client.open()];
    const path = `/api/v1/accounts/${source}/transfers`;
    const first = await client.get(path);
    const before = asked;
    const again = await client.get(path);
    expect([again.text, again.headers.get('etag'), asked]).toEqual([first.text, first.headers.get('etag'), before]);
    const etag = again.headers.get('etag') as string;
    expect((await client.get(path, { 'if-none-match': etag })).status).toBe(304);
    expect((await client.get(path, { accept: 'application/x-ndjson' })).headers.get('content-type')).toMatch(/ndjson/);
    await (await client.withKey(db, ['accounts:read'])).get(path);
    expect(asked).toBe(before + 2);
    await pay(client, source, destination);
    expect((await client.get(path, { 'if-none-match': etag })).status).toBe(200);
    expect(asked).toBe(before + 3);
  });

  it('by effective dates is made each time, as it may change when a date comes', async () => {
    const id = await client.open();
    const before = asked;
    for (let i = 0; i < 2; i++) await client.get(`/api/v1/accounts/${id}/balance?basis=effective`);
    expect(asked).toBe(before + 2);
  });

  it('that is a refusal is not kept', async () => {
    const id = await client.open();
    ledgerStatus = 404;
    expect((await client.get(`/api/v1/accounts/${id}/balance`)).status).toBe(404);
    ledgerStatus = 200;
    expect((await client.get(`/api/v1/accounts/${id}/balance`)).status).toBe(200);
  });

  it('that sums all books is gone with any change of one', async () => {
    const [source, destination] = [await client.open(), await client.open()];
    const first = await client.get('/api/v1/trial_balance');
    expect((await client.get('/api/v1/trial_balance')).text).toBe(first.text);
    await pay(client, source, destination);
    expect((await client.get('/api/v1/trial_balance')).text).not.toBe(first.text);
  });
});
