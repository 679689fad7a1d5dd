import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId } from '@payflow/contracts';
import { verifyInternalToken, type InternalClaims } from '@payflow/service';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { Client } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const SECRET = 's'.repeat(32);
const ATTEMPTS = '/api/v1/attempts';
const WAITING = `${ATTEMPTS}?needs_attention=true`;

let stage: Stage;
let client: Client;
let payment: string;
/** What came to the payments service's read API, and what it answers. */
let payments: Server;
let asked: { readonly url: string; readonly claims: InternalClaims | undefined }[] = [];
let answering: { status: number; body: object };

beforeAll(async () => {
  payments = createServer(({ url = '', headers }, response) => {
    const token = headers.authorization?.slice('Bearer '.length) ?? '';
    asked.push({ url, claims: verifyInternalToken(SECRET, token, Date.now()) });
    response.writeHead(answering.status, { 'content-type': 'application/json' }).end(JSON.stringify(answering.body));
  }).listen(0, '127.0.0.1');
  await once(payments, 'listening');
  stage = await openStage({
    PAYFLOW_INTERNAL_SECRET: SECRET,
    PAYFLOW_INTERNAL_HTTP_VERSION: '1.1',
    PAYFLOW_INTERNAL_PAYMENTS_URL: `http://127.0.0.1:${(payments.address() as AddressInfo).port}`,
  });
  client = stage.client;
  const [source, destination] = [await client.open(), await client.open()];
  const terms = { source, destination, amount: '7', asset: 'USD', method: { type: 'card', token: 'tok_visa' } };
  payment = (await client.post('/api/v1/payments', terms, { prefer: 'wait=0' })).body['id'] as string;
});
afterAll(async () => {
  await stage?.close();
  payments?.closeAllConnections();
  payments?.close();
});
beforeEach(() => {
  asked = [];
  answering = { status: 200, body: { data: [], next: null } };
});

const ofPayment = (id = payment) => `/api/v1/payments/${id}/attempts`;

it.each([
  ["a payment's", () => ofPayment(), () => `${ofPayment()}?limit=50`],
  ['those that wait for a human', () => WAITING, () => `${WAITING}&limit=50`],
])('attempts, %s, are told by payments, in the name of the caller', async (_what, path, forwarded) => {
  answering.body = { data: [{ object: 'attempt' }], next: null };
  const { status, body, headers } = await client.get(path());
  expect([status, body]).toEqual([200, { data: [{ object: 'attempt' }], next_cursor: null }]);
  expect(headers.get('etag')).toBeNull();
  const claims = {
    tenant: client.tenant,
    livemode: false,
    scopes: expect.arrayContaining(['payments:read']) as string[],
  };
  expect(asked).toMatchObject([{ url: forwarded(), claims }]);
});

it.each([
  ["a payment's", () => `${ofPayment()}?limit=2`],
  ['those that wait for a human', () => `${WAITING}&limit=2`],
])('attempts, %s, are turned over by signed cursors of this list', async (_what, path) => {
  answering.body = { data: [], next: '17_att_1' };
  const { body } = await client.get(path());
  expect(body['next_cursor']).not.toContain('17_att_1');
  answering.body = { data: [], next: null };
  const next = await client.get(`${path()}&cursor=${body['next_cursor']}`);
  expect([next.status, next.body['next_cursor']]).toEqual([200, null]);
  expect(new URL(`http://payments${asked[1]?.url}`).searchParams.get('after')).toBe('17_att_1');
  const other = path().startsWith(ATTEMPTS) ? `${ofPayment()}?limit=2` : `${WAITING}&limit=2`;
  expect(told(await client.get(`${other}&cursor=${body['next_cursor']}`))).toBe('400 cursor_mismatch');
  expect(told(await client.get(`${path()}&cursor=17_att_1`))).toBe('400 cursor_invalid');
  expect(asked).toHaveLength(2);
});

it.each<[path: () => string, answer: string]>([
  [() => ofPayment('pay_1'), '400 invalid_id'],
  [() => ofPayment(newId('attempt')), '400 invalid_id'],
  [() => ofPayment(newId('payment')), '404 not_found'],
  [() => `${ofPayment()}?limit=0`, '400 invalid_parameter'],
  [() => `${ofPayment()}?limit=201`, '400 invalid_parameter'],
  [() => `${ofPayment()}?limit=1&limit=2`, '400 invalid_parameter'],
  [() => `${ofPayment()}?status=approved`, '400 invalid_parameter'],
  [() => `${ofPayment()}?cursor=x`, '400 cursor_invalid'],
  [() => ATTEMPTS, '400 invalid_parameter'],
  [() => `${ATTEMPTS}?needs_attention=false`, '400 invalid_parameter'],
  [() => `${WAITING}&needs_attention=true`, '400 invalid_parameter'],
  [() => `${WAITING}&limit=201`, '400 invalid_parameter'],
  [() => `${WAITING}&after=17_att_1`, '400 invalid_parameter'],
])('what is not so is refused, and payments is not asked (%#)', async (path, answer) => {
  expect(told(await client.get(path()))).toBe(answer);
  expect(asked).toEqual([]);
});

it("is nobody else's to see", async () => {
  const stranger = await Client.of(stage.db, stage.gateway.base);
  expect(told(await stranger.get(ofPayment()))).toBe('404 not_found');
  const live = await client.withKey(stage.db, ['payments:read'], true);
  expect(told(await live.get(ofPayment()))).toBe('404 not_found');
  const writer = await client.withKey(stage.db, ['payments:write', 'transfers:read']);
  for (const path of [ofPayment(), WAITING]) expect(told(await writer.get(path))).toBe('403 forbidden');
  expect(asked).toEqual([]);
  await live.get(WAITING);
  expect(asked).toMatchObject([{ claims: { tenant: client.tenant, livemode: true } }]);
});

it('is 502 where payments answers something else', async () => {
  answering.status = 500;
  expect(told(await client.get(WAITING))).toBe('502 bad_gateway');
});
