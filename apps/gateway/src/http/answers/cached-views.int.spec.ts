import { once } from 'node:events';
import { request as ask, type IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { newId } from '@payflow/contracts';
import { onStatement, type Database } from '@payflow/database';
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
/** What reads a view for somebody: nothing that goes on in the background does. */
const READ = /^\s*select[^]*from (payment|hold)_views/i;
const PAYMENTS = '/api/v1/payments';
let test: TestDatabase;
let db: Database;
let gateway: Gateway;
let another: Gateway;
let house: House;
let client: Client;
/** The same tenant's requests to the other process. */
let elsewhere: Client;
let statements = 0;
let source: string;
let destination: string;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  const start = () => startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
  [gateway, another] = [await start(), await start()];
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  elsewhere = await client.withKey(db, ['accounts:read', 'payments:read', 'payments:write', 'transfers:read']);
  elsewhere.base = another.base;
  [source, destination] = [await client.open(), await client.open()];
  await until('both hear each other', () =>
    [gateway, another].every(({ app }) => app.get(GatewayCaches, { strict: false }).all.isTrusted([])),
  );
  onStatement(({ text }) => (statements += READ.test(text) ? 1 : 0));
});
afterAll(async () => {
  await gateway?.stop();
  await another?.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
});

function pay(by: Client, more: Record<string, unknown> = {}, prefer = 'wait=10'): Promise<Answered> {
  const payment = { source, destination, amount: '1', asset: 'USD', method: { type: 'internal' }, ...more };
  return by.post(PAYMENTS, payment, { prefer });
}

const idsOf = ({ body }: Answered): string[] => (body['data'] as { id: string }[]).map(({ id }) => id);
const seconds = ({ headers }: Answered): number => Number(headers.get('age'));

/** Asks until two answers in a row are one: nothing that was accepted before is still changing anything. */
async function settled(by: Client, path: string): Promise<Answered> {
  return until('the answer is kept', async () => {
    const [first, before] = [await by.get(path), statements];
    const second = await by.get(path);
    return statements === before && first.text === second.text ? second : undefined;
  });
}

describe('a list', () => {
  it('is read once and then kept, with an ETag, its age and how to keep it, until something of the owner changes', async () => {
    await pay(client);
    const kept = await settled(client, PAYMENTS);
    expect([kept.headers.get('cache-control'), kept.headers.get('vary')]).toEqual([
      'private, no-cache',
      'accept, accept-encoding',
    ]);
    expect(seconds(kept)).toBeGreaterThanOrEqual(0);
    const etag = kept.headers.get('etag') as string;
    const before = statements;
    const same = await client.get(PAYMENTS, { 'if-none-match': etag });
    expect([same.status, same.headers.get('etag'), same.headers.get('vary'), statements]).toEqual([
      304,
      etag,
      'accept, accept-encoding',
      before,
    ]);
    const paid = await pay(client);
    const after = await client.get(PAYMENTS, { 'if-none-match': etag });
    expect([after.status, idsOf(after)[0]]).toEqual([200, paid.body['id']]);
  });

  it('shows what the same process has just accepted, whether it has ended or not, however often it was read before', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await Promise.all([client.get(PAYMENTS), client.get(PAYMENTS)]);
      const [id, reading] = [newId('payment'), client.get(PAYMENTS)];
      const accepted = await pay(client, { id }, round % 2 === 0 ? 'wait=0' : 'wait=10');
      expect([200, 201, 202]).toContain(accepted.status);
      const [list] = await Promise.all([client.get(PAYMENTS), reading]);
      expect(idsOf(list)).toContain(id);
      const [shown] = (list.body['data'] as { id: string; status: string }[]).filter((one) => one.id === id);
      if (accepted.status === 201) expect(shown?.status).toBe('succeeded');
    }
  });

  it('is the same in every process after 201, and follows everywhere after 202', async () => {
    for (let round = 0; round < ROUNDS; round++) {
      await elsewhere.get(PAYMENTS);
      const paid = await pay(client);
      expect(paid.status).toBe(201);
      await until('the other process shows it', async () =>
        idsOf(await elsewhere.get(PAYMENTS)).includes(String(paid.body['id'])),
      );
    }
    house.answering = false;
    await elsewhere.get(PAYMENTS);
    const pending = await pay(client, {}, 'wait=0');
    await until('the other process shows it', async () =>
      idsOf(await elsewhere.get(PAYMENTS)).includes(String(pending.body['id'])),
    );
    house.answering = true;
    await until('its end is seen', async () => {
      const list = (await client.get(PAYMENTS)).body['data'] as { status: string }[];
      return list.every(({ status }) => status === 'succeeded');
    });
  });

  it("is nobody else's: not another tenant's, another mode's, nor that of a key with other scopes", async () => {
    const kept = await settled(client, PAYMENTS);
    expect(idsOf(kept).length).toBeGreaterThan(0);
    const stranger = await Client.of(db, gateway.base);
    expect(idsOf(await stranger.get(PAYMENTS))).toEqual([]);
    expect(idsOf(await (await client.withKey(db, ['payments:read'], true)).get(PAYMENTS))).toEqual([]);
    expect(told(await (await client.withKey(db, ['accounts:read'])).get(PAYMENTS))).toBe('403 forbidden');
    const before = statements;
    expect((await (await client.withKey(db, ['payments:read'])).get(PAYMENTS)).text).toBe(kept.text);
    expect(statements).toBeGreaterThan(before);
  });

  it('is read anew where the request will have no cache', async () => {
    await settled(client, PAYMENTS);
    await db.source.query(`update payment_views set metadata = '{"behind":"the back"}'`);
    expect((await client.get(PAYMENTS)).text).not.toContain('the back');
    const anew = await client.get(PAYMENTS, { 'cache-control': 'no-cache' });
    expect([anew.text.includes('the back'), anew.headers.get('age')]).toEqual([true, '0']);
    expect((await client.get(PAYMENTS)).text).toBe(anew.text);
  });

  it('is not kept where it is carried away', async () => {
    const lines = await client.get(PAYMENTS, { accept: 'application/x-ndjson' });
    expect([lines.status, lines.headers.get('age')]).toEqual([200, null]);
  });

  it.each([['gzip'], ['br'], ['zstd']])(
    'of fifty is 40 % smaller at least in %s, and the same answer',
    async (coding) => {
      while (idsOf(await client.get(`${PAYMENTS}?limit=50`)).length < 50) await pay(client);
      const plain = await raw(`${PAYMENTS}?limit=50`, 'identity');
      const small = await raw(`${PAYMENTS}?limit=50`, coding);
      expect([small.headers['content-encoding'], small.headers.etag]).toEqual([coding, plain.headers.etag]);
      expect(1 - small.bytes / plain.bytes).toBeGreaterThan(0.4);
    },
  );
});

describe('one thing', () => {
  it('keeps the ETag of its version, and is void with any change of the owner', async () => {
    const asked = { debit_account: source, credit_account: destination, amount: '5', asset: 'USD' };
    const hold = await client.post('/api/v1/holds', asked, { prefer: 'wait=10' });
    expect(hold.status).toBe(201);
    const path = `/api/v1/holds/${String(hold.body['id'])}`;
    const kept = await settled(client, path);
    expect(kept.headers.get('etag')).toBe(`W/"${String(kept.body['version'])}"`);
    expect((await client.get(path, { 'if-none-match': kept.headers.get('etag') as string })).status).toBe(304);
    const gone = await client.post(`${path}/void`, {}, { prefer: 'wait=10' });
    expect(gone.status).toBe(200);
    expect((await client.get(path)).body['status']).toBe('voided');
  });

  it('that is not there is not remembered to be missing', async () => {
    const id = newId('hold');
    expect(told(await client.get(`/api/v1/holds/${id}`))).toBe('404 not_found');
    house.answering = false;
    const asked = { id, debit_account: source, credit_account: destination, amount: '5', asset: 'USD' };
    expect((await client.post('/api/v1/holds', asked, { prefer: 'wait=0' })).status).toBe(202);
    expect((await client.get(`/api/v1/holds/${id}`)).status).toBe(200);
    house.answering = true;
  });
});

async function raw(path: string, coding: string) {
  const headers = { authorization: `Bearer ${client.key}`, 'accept-encoding': coding };
  const [answer] = (await once(ask(`${client.base}${path}`, { headers }).end(), 'response')) as [IncomingMessage];
  return { headers: answer.headers, bytes: (await buffer(answer)).length };
}
