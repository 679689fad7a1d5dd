import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import type { Database } from '@payflow/database';
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
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { entities, migrations } from '../../database/index.js';
import { countAllRows } from '../../testing/all-rows.js';
import { Client, startGateway } from '../../testing/gateway-under-test.js';

const PAYMENTS = '/api/v1/payments';
const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let client: Client;
let before: Readonly<Record<string, number>>;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
  client = await Client.of(db, gateway.base);
});
afterAll(async () => {
  await gateway?.stop();
  await db?.close();
  await test?.drop();
});
beforeEach(async () => {
  before = await countAllRows(db);
});
afterEach(async () => {
  expect(await countAllRows(db)).toEqual(before);
});

const host = () => `host: ${new URL(gateway.base).host}`;
const post = (...headers: string[]) =>
  [
    `POST ${PAYMENTS} HTTP/1.1`,
    host(),
    `authorization: Bearer ${client.key}`,
    `idempotency-key: ${randomUUID()}`,
    'content-type: application/json',
    ...headers,
  ].join('\r\n');

it.each([
  [
    'both Content-Length and Transfer-Encoding',
    () => `${post('content-length: 2', 'transfer-encoding: chunked')}\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ['two Content-Lengths', () => `${post('content-length: 2', 'content-length: 3')}\r\n\r\n{}`, 400],
  ['a negative Content-Length', () => `${post('content-length: -1')}\r\n\r\n{}`, 400],
  ['no HTTP at all', () => 'hello\r\n\r\n', 400],
  ['a control character in a header', () => `${post('x-a: \u0001')}\r\n\r\n`, 400],
  ['an obs-fold', () => `${post('x-a: b\r\n c')}\r\n\r\n`, 400],
  ['TRACE', () => `TRACE ${PAYMENTS} HTTP/1.1\r\n${host()}\r\nauthorization: Bearer ${client.key}\r\n\r\n`, 405],
  ['an unknown method', () => `FROB ${PAYMENTS} HTTP/1.1\r\n${host()}\r\n\r\n`, 400],
  ['a path that climbs', () => `GET /api/v1/%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\n${host()}\r\n\r\n`, 404],
  [
    'a path with a bad escape',
    () => `GET /api/v1/payments/%zz HTTP/1.1\r\n${host()}\r\nauthorization: Bearer ${client.key}\r\n\r\n`,
    400,
  ],
  [
    'a doubled Idempotency-Key',
    () => `${post(`idempotency-key: ${randomUUID()}`, 'content-length: 2')}\r\n\r\n{}`,
    400,
  ],
  ['two credentials', () => `${post('Authorization: Bearer sk_test_another', 'content-length: 2')}\r\n\r\n{}`, 400],
  ['two content types', () => `${post('Content-Type: text/plain', 'content-length: 2')}\r\n\r\n{}`, 400],
  [
    'a body in a coding that nobody undoes',
    () => `${post('transfer-encoding: gzip, chunked')}\r\n\r\n2\r\n{}\r\n0\r\n\r\n`,
    400,
  ],
  ['no Host', () => `GET /health HTTP/1.1\r\n\r\n`, 400],
  ['two Hosts', () => `GET /health HTTP/1.1\r\n${host()}\r\nHOST: payflow.example\r\n\r\n`, 400],
])('%s', async (_what, request, status) => {
  const answer = await raw(request());
  expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  if (status !== 404 || answer.includes('problem')) expect(answer.toLowerCase()).toContain('application/problem+json');
});

it.each(['/api/v1/assets/USD', '/api/assets/USD'])('the whole address of %s is as good as its path', async (path) => {
  const rest = `HTTP/1.1\r\n${host()}\r\nauthorization: Bearer ${client.key}\r\nconnection: close\r\n\r\n`;
  const [whole, short] = await Promise.all([
    raw(`GET http://payflow.example${path} ${rest}`),
    raw(`GET ${path} ${rest}`),
  ]);
  const namesOf = (answer: string) =>
    [
      ...answer
        .split('\r\n\r\n', 1)
        .join()
        .matchAll(/^[\w-]+(?=:)/gm),
    ].join();
  expect(whole).toMatch(/^HTTP\/1\.1 200 /);
  // Among them what keeps caches from keeping it.
  expect(namesOf(whole)).toBe(namesOf(short));
  expect(whole).toContain('cache-control: no-store');
});

it('an expectation that nobody knows is passed over', async () => {
  const head = `GET /api/v1/assets/USD HTTP/1.1\r\n${host()}\r\nauthorization: Bearer ${client.key}`;
  expect(await raw(`${head}\r\nexpect: the-moon\r\nconnection: close\r\n\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});

it('a body that stops half-way is answered 408, and so is a head', async () => {
  // Both at once: each takes as long as a client is waited for.
  const halves = [`${post('content-length: 100')}\r\n\r\n{"source"`, `${post()}\r\ncontent-length: 1`];
  for (const answer of await Promise.all(halves.map(raw))) {
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(answer).toContain('request_timeout');
  }
}, 30_000);

it('a client that leaves half-way leaves nothing', async () => {
  const socket = connect(Number(new URL(gateway.base).port), '127.0.0.1');
  socket.on('error', () => undefined);
  await new Promise<void>((resolve) =>
    socket.write(`${post('content-length: 100')}\r\n\r\n{"source"`, () => resolve()),
  );
  socket.destroy();
  expect((await client.get('/health')).status).toBe(200);
});

function raw(request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(gateway.base).port), '127.0.0.1');
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      if (text.includes('\r\n\r\n') && /\}$/.test(text)) socket.destroy();
    });
    socket.on('close', () => resolve(text));
    socket.on('error', reject);
    socket.write(Buffer.from(request, 'latin1'));
  });
}
