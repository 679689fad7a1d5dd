import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { newId } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { countRows, type Answered, type Client } from '../testing/gateway-under-test.js';
import { metric, openNarrowGateway, type NarrowGateway } from '../testing/narrow-gateway.js';

const ACCOUNTS = '/api/v1/accounts';
const LOCK = statement('spec.lock-keys', 'lock table idempotency_records in access exclusive mode');
const WORKERS = 2;
const QUEUE = 2;

let narrow: NarrowGateway;
let db: Database;
let gateway: NarrowGateway['gateway'];
let client: Client;

beforeAll(async () => {
  narrow = await openNarrowGateway(WORKERS, QUEUE);
  ({ db, gateway, client } = narrow);
});
afterAll(() => narrow?.close());
beforeEach(() =>
  until(
    'nothing is at work, and what came before is over',
    async () =>
      (await metric('payflow_admission_workers{state="busy"}')) + (await metric('payflow_admission_standing')) === 0,
  ),
);

const open = (wait_s = 0): Promise<Answered> => client.post(ACCOUNTS, { asset: 'USD' }, { prefer: `wait=${wait_s}` });
const busy = (count: number) =>
  until(`${count} are at work`, async () => (await metric('payflow_admission_workers{state="busy"}')) === count);

/** While no write can commit, all workers are at one. */
async function whileWorkersAreBusy(work: () => Promise<void>): Promise<readonly Answered[]> {
  let begun: readonly Promise<Answered>[] = [];
  await db.transaction(async (tx) => {
    await tx.rows(LOCK);
    begun = Array.from({ length: WORKERS }, () => open());
    await busy(WORKERS);
    await work();
  });
  return Promise.all(begun);
}

it('who waits for an outcome holds no worker', async () => {
  // No ledger is there that could end it.
  const waiting: Promise<Answered>[] = [];
  for (let count = 1; count <= WORKERS + 1; count++) {
    waiting.push(open(5));
    await until(`${count} wait`, async () => (await metric('payflow_outcomes_awaited_requests')) === count);
  }
  expect(await metric('payflow_admission_workers{state="busy"}')).toBe(0);
  expect((await client.get('/api/v1/payments')).status).toBe(200);
  for (const { status } of await Promise.all(waiting)) expect(status).toBe(202);
}, 30_000);

it('who sends a body slowly holds no worker', async () => {
  const socket = await halfSent();
  expect((await client.get('/api/v1/payments')).status).toBe(200);
  expect(await metric('payflow_admission_workers{state="busy"}')).toBe(0);
  socket.destroy();
});

it('what finds no room is told so: 503, when to come back, no row, no message', async () => {
  let refused: Answered | undefined;
  const before = await countRows(db);
  const ended = await whileWorkersAreBusy(async () => {
    const waiting = [open(), open()];
    await until(
      'the queue is full',
      async () => (await metric('payflow_admission_waiting_requests{class="write"}')) === QUEUE,
    );
    refused = await client.post(ACCOUNTS, { asset: 'USD' });
    for (const { status } of await Promise.all(waiting)) expect(status).toBe(503);
  });
  expect(refused?.status).toBe(503);
  expect(refused?.headers.get('retry-after')).toBe('1');
  expect(refused?.headers.get('content-type')).toContain('application/problem+json');
  expect(refused?.body).toMatchObject({ code: 'overloaded', instance: ACCOUNTS });
  for (const { status } of ended) expect(status).toBe(202);
  expect((await countRows(db)).accounts).toBe(before.accounts + WORKERS);
});

it('sends the least important away first, and lets what settles money through', async () => {
  const socket = await connected();
  let text = '';
  socket.on('data', (bytes) => (text += bytes.toString()));
  const told = () => [...text.matchAll(/HTTP\/1\.1 (\d{3}) [^]*?\r\n\r\n/g)];
  await whileWorkersAreBusy(async () => {
    const [csv, key] = ['accept: text/csv', () => `idempotency-key: ${randomUUID()}`];
    const json = ['content-type: application/json', 'content-length: 2'];
    const capture = () => head('POST', `/api/v1/payments/${newId('payment')}/capture`, key(), ...json) + '{}';
    // All in one turn, in this order: the queue has two places.
    socket.write(head('GET', '/api/v1/payments', csv) + head('GET', '/api/v1/payments') + capture() + capture());
    await until('two are sent away', () => told().length === 2);
  });
  await until('all are answered', () => told().length === 4);
  expect(told().map(([, status]) => status)).toEqual(['503', '503', '404', '404']);
  expect(told().map(([answer]) => /^retry-after: (\d+)/im.exec(answer)?.[1])).toEqual([
    '10',
    '2',
    undefined,
    undefined,
  ]);
  socket.destroy();
});

it('answers probes, metrics and the documentation whoever waits', async () => {
  await whileWorkersAreBusy(async () => {
    for (const path of ['/livez', '/readyz', '/metrics', '/docs/errors']) {
      const answer = await fetch(gateway.base + path);
      expect(answer.status, `${path} ${await answer.text()}`).toBe(200);
    }
    expect((await client.send('DELETE', '/api/v1/payments', undefined, {})).status).toBe(405);
  });
});

it('forgets who has gone while they waited', async () => {
  await whileWorkersAreBusy(async () => {
    const gone = new AbortController();
    const asked = fetch(`${gateway.base}/api/v1/payments`, {
      headers: { authorization: `Bearer ${client.key}` },
      signal: gone.signal,
    }).catch(() => undefined);
    await until('it waits', async () => (await metric('payflow_admission_waiting_requests{class="read"}')) === 1);
    gone.abort();
    await asked;
    await until('nobody waits', async () => (await metric('payflow_admission_waiting_requests{class="read"}')) === 0);
  });
  expect(await metric('payflow_admission_shed_total{class="read",reason="caller_gone"}')).toBe(1);
});

async function connected(): Promise<Socket> {
  const socket = connect(Number(new URL(gateway.base).port), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

function head(method: string, path: string, ...more: readonly string[]): string {
  const { host } = new URL(gateway.base);
  return [`${method} ${path} HTTP/1.1`, `host: ${host}`, `authorization: Bearer ${client.key}`, ...more, '', ''].join(
    '\r\n',
  );
}

async function halfSent(): Promise<Socket> {
  const socket = await connected();
  const json = ['content-type: application/json', 'content-length: 100'];
  socket.write(`${head('POST', ACCOUNTS, `idempotency-key: ${randomUUID()}`, ...json)}{"asset"`);
  return socket;
}
