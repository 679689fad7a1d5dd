import { connect } from 'node:net';
import { newId, uuidOf, type MessageData } from '@payflow/contracts';
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
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { entities, migrations } from '../database/index.js';
import { statement, type Database } from '@payflow/database';
import { Client, countRows, startGateway } from '../testing/gateway-under-test.js';
import { House } from '../testing/house.js';

const prefix = uniqueSuffix();
const broker = testBroker(prefix);
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let house: House;
let client: Client;
let alice: string;
let bob: string;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  [alice, bob] = [await client.open(), await client.open()];
});
afterAll(async () => {
  await gateway?.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
});
afterEach(() => {
  house.answering = true;
});

const payment = (more: Record<string, unknown> = {}) => ({
  source: alice,
  destination: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const pay = (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  client.post('/api/v1/payments', payment(more), headers);

const payUntilTaken = (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  client.postUntilTaken('/api/v1/payments', payment(more), headers);

describe('a payment', () => {
  it('is answered 201 with its final state, and is there at once', async () => {
    const { status, headers, body } = await pay({ reference: 'order-7', metadata: { a: 'b' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      object: 'payment',
      status: 'succeeded',
      amount: '100',
      amount_captured: '100',
      amount_refunded: '0',
      source: alice,
      destination: bob,
    });
    expect(body).toMatchObject({
      failure: null,
      reference: 'order-7',
      metadata: { a: 'b' },
      livemode: false,
      version: 1,
      method: { type: 'internal' },
    });
    expect(body['trace_id']).toMatch(/^[0-9a-f]{32}$/);
    expect(headers.get('location')).toBe(`/api/v1/payments/${body['id'] as string}`);
    expect(headers.get('payflow-version')).toBe('2026-11-20');
    const read = await client.get(headers.get('location') as string);
    expect(read.body).toEqual(body);
    expect(read.headers.get('etag')).toBe('W/"1"');
    expect((await client.get(headers.get('location') as string, { 'if-none-match': 'W/"1"' })).status).toBe(304);
  });

  it('shows in both balances no later than in its answer', async () => {
    const [from, to] = [await client.open('EUR'), await client.open('EUR')];
    await pay({ source: from, destination: to, amount: '7', asset: 'EUR' }, { prefer: 'wait=10' });
    expect((await client.get(`/api/v1/accounts/${from}`)).body).toMatchObject({
      balance: '-7',
      posted_debits: '7',
      version: 2,
    });
    expect((await client.get(`/api/v1/accounts/${to}`)).body).toMatchObject({
      balance: '7',
      available: '7',
      version: 2,
    });
  });

  it('that is refused answers 402 with the failed payment', async () => {
    const poor = await client.open();
    house.empty.add(poor);
    const { status, headers, body } = await pay({ source: poor });
    expect(status).toBe(402);
    expect(headers.get('content-type')).toBe('application/problem+json');
    expect(body).toMatchObject({
      code: 'declined',
      status: 402,
      request_id: headers.get('request-id'),
      payment: { status: 'failed', failure: { code: 'insufficient_funds' } },
    });
    const { id } = body['payment'] as { id: string };
    expect((await client.get(`/api/v1/payments/${id}`)).body).toEqual(body['payment']);
  });

  it('is answered 202 when its end does not come in time, and is pending until it does', async () => {
    house.answering = false;
    const { status, headers, body } = await pay({}, { prefer: 'wait=0' });
    expect(status).toBe(202);
    expect(body).toMatchObject({ status: 'pending', version: 0 });
    expect(headers.get('preference-applied')).toBe('wait=0');
    const location = headers.get('location') as string;
    expect((await client.get(location)).body).toEqual(body);
    house.answering = true;
    await until('it has ended', async () => (await client.get(location)).body['status'] === 'succeeded');
    await until('nothing is pending', async () => (await countRows(db)).pending === 0);
  });

  it('may have the id that the client chose', async () => {
    const id = newId('payment');
    expect((await pay({ id })).body['id']).toBe(id);
    const before = await countRows(db);
    const again = await pay({ id, amount: '1' });
    expect(`${again.status} ${again.body['code'] as string}`).toBe('422 id_reused');
    expect(await countRows(db)).toEqual(before);
  });
});

describe('a client that leaves after sending', () => {
  it('has made a payment, and finds its end with the same key', async () => {
    const before = await countRows(db);
    const key = newId('event');
    const body = JSON.stringify(payment());
    const head = [
      'POST /api/v1/payments HTTP/1.1',
      'host: x',
      `authorization: Bearer ${client.key}`,
      `idempotency-key: ${key}`,
      'content-type: application/json',
      `content-length: ${body.length}`,
    ];
    const socket = connect(Number(new URL(gateway.base).port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
    await until('it is durable', async () => (await countRows(db)).keys === before.keys + 1);
    socket.destroy();
    const answer = await pay({}, { 'idempotency-key': key, prefer: 'wait=10' });
    expect([answer.status, answer.headers.get('idempotency-replayed')]).toEqual([201, 'true']);
    expect((await countRows(db)).payments).toBe(before.payments + 1);
  });
});

describe('a key', () => {
  it('replays the final answer byte for byte', async () => {
    const key = { 'idempotency-key': newId('event') };
    const first = await pay({}, key);
    const commands = house.commands.length;
    const again = await pay({}, key);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(house.commands.length).toBe(commands);
  });

  it('replays a refusal too', async () => {
    const poor = await client.open();
    house.empty.add(poor);
    const key = { 'idempotency-key': newId('event') };
    const [first, again] = [await pay({ source: poor }, key), await pay({ source: poor }, key)];
    expect([first.status, again.status, again.text]).toEqual([402, 402, first.text]);
  });

  it('replays through the unversioned path, which is the same one', async () => {
    const key = { 'idempotency-key': newId('event') };
    const first = await pay({}, key);
    const again = await client.post('/api/payments', payment(), key);
    expect([again.status, again.text]).toEqual([201, first.text]);
  });

  it.each([
    ['another body', () => ({ path: '/api/v1/payments', body: payment({ amount: '101' }) })],
    ['another path', () => ({ path: '/api/v1/accounts', body: { asset: 'USD' } })],
    ['the same values in other bytes', () => ({ path: '/api/v1/payments', body: ` ${JSON.stringify(payment())}` })],
  ])('is refused with %s', async (_what, other) => {
    const key = { 'idempotency-key': newId('event') };
    await pay({}, key);
    const before = await countRows(db);
    const { path, body } = other();
    const answer = await client.post(path, body, key);
    expect(`${answer.status} ${answer.body['code'] as string}`).toBe('422 idempotency_key_reused');
    expect(await countRows(db)).toEqual(before);
  });

  it('of another tenant, or of the other mode, is another key', async () => {
    const key = { 'idempotency-key': newId('event') };
    const other = await Client.of(db, gateway.base);
    const live = await client.withKey(db, ['accounts:write'], true);
    const answers = [
      await client.post('/api/v1/accounts', { asset: 'USD' }, key),
      await other.post('/api/v1/accounts', { asset: 'USD' }, key),
      await live.post('/api/v1/accounts', { asset: 'USD' }, key),
    ];
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201]);
    expect(new Set(answers.map(({ body }) => body['id'])).size).toBe(3);
    expect(answers[2]?.body['livemode']).toBe(true);
  });

  it('of 50 copies at once makes one payment and gives equal answers', async () => {
    const before = await countRows(db);
    const key = { 'idempotency-key': newId('event'), prefer: 'wait=10' };
    const answers = await Promise.all(Array.from({ length: 50 }, () => payUntilTaken({}, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(201);
    // One at most: the first copy may have been told 503 and asked again.
    const firsts = answers.filter(({ headers }) => headers.get('idempotency-replayed') === null);
    expect(firsts.length).toBeLessThanOrEqual(1);
    expect(await countRows(db)).toEqual({
      ...before,
      keys: before.keys + 1,
      payments: before.payments + 1,
      messages: before.messages + 1,
    });
  });

  it('repeated while the first is on its way joins it, and a 202 is never stored', async () => {
    house.answering = false;
    const key = { 'idempotency-key': newId('event') };
    const first = await pay({}, { ...key, prefer: 'wait=0' });
    const second = await pay({}, { ...key, prefer: 'wait=0' });
    expect([second.status, second.body['id']]).toEqual([202, first.body['id']]);
    const third = pay({}, { ...key, prefer: 'wait=10' });
    house.answering = true;
    expect((await third).status).toBe(201);
    expect((await third).body['id']).toBe(first.body['id']);
  });
});

describe('many payments at once', () => {
  it('all end, each with a command of its own', async () => {
    const before = await countRows(db);
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, at) => payUntilTaken({ amount: String(at + 1) }, { prefer: 'wait=10' })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 300 }, () => 201));
    expect(answers.map(({ body }) => body['amount'])).toEqual(Array.from({ length: 300 }, (_, at) => String(at + 1)));
    const after = await countRows(db);
    expect(after).toEqual({
      ...before,
      keys: before.keys + 300,
      payments: before.payments + 300,
      pending: 0,
      messages: before.messages + 300,
    });
  });

  it('of which some cannot be accepted do not hold up the others', async () => {
    const id = newId('payment');
    await pay({ id, amount: '1' });
    const answers = await Promise.all([
      pay(),
      pay({ id }),
      pay(),
      pay({ id: newId('payment') }),
      pay({ destination: alice }),
      pay({ source: newId('account') }),
    ]);
    expect(answers.map(({ status, body }) => `${status} ${(body['code'] as string | undefined) ?? ''}`.trim())).toEqual(
      ['201', '422 id_reused', '201', '201', '422 accounts_identical', '422 account_not_found'],
    );
  });
});

describe('an account', () => {
  it('is opened once per path', async () => {
    const path = `users:${uniqueSuffix()}`;
    const first = await client.post('/api/v1/accounts', { asset: 'USD', path });
    expect([first.status, first.body['path'], first.body['status']]).toEqual([201, path, 'open']);
    const before = await countRows(db);
    const second = await client.post('/api/v1/accounts', { asset: 'USD', path });
    expect(`${second.status} ${second.body['code'] as string}`).toBe('409 account_exists');
    const third = await client.post('/api/v1/accounts', { asset: 'EUR', id: first.body['id'] });
    expect(`${third.status} ${third.body['code'] as string}`).toBe('422 id_reused');
    expect(await countRows(db)).toEqual(before);
  });

  it('that the ledger refuses is gone, and its refusal is replayed', async () => {
    house.answering = false;
    const id = newId('account');
    const key = { 'idempotency-key': newId('event'), prefer: 'wait=0' };
    expect((await client.post('/api/v1/accounts', { asset: 'USD', id }, key)).status).toBe(202);
    const command = await until('the command is there', () => house.commands.find(({ subject }) => subject === id));
    await house.publish(
      'payflow.account.rejected.v1',
      { id, reason: 'account_exists', recorded_at: new Date().toISOString() },
      command,
    );
    const replay = await until('the answer is there', async () => {
      const answer = await client.post('/api/v1/accounts', { asset: 'USD', id }, key);
      return answer.status === 202 ? undefined : answer;
    });
    expect(`${replay.status} ${replay.body['code'] as string}`).toBe('409 account_exists');
    expect((await client.get(`/api/v1/accounts/${id}`)).status).toBe(404);
  });
});

const VERSION = statement(
  'spec.account-view',
  'select version::integer as version, posted_credits_minor::text as credits, status from account_views where id = $1',
);

describe('an event', () => {
  it('that comes twice, or after a newer one, changes nothing', async () => {
    const { body } = await pay();
    const command = await until('the command is there', () =>
      house.commands.find(({ subject }) => subject === body['id']),
    );
    const stale = { ...body, status: 'failed', failure: { code: 'insufficient_funds' }, version: 1, accounts: [] };
    const resourceOnly = ['object', 'livemode', 'trace_id', 'next_action', 'authorized_until', 'customer', 'retry_of'];
    for (const name of resourceOnly) delete (stale as Record<string, unknown>)[name];
    await house.publish('payflow.payment.failed.v1', stale as never, command);
    const { body: later } = await pay();
    expect(later['status']).toBe('succeeded');
    expect((await client.get(`/api/v1/payments/${body['id'] as string}`)).body).toEqual(body);
  });

  it('about an account may come before the account has been opened', async () => {
    const id = newId('account');
    const cause = { tenant: client.tenant, livemode: false, traceparent: undefined };
    const snapshot = {
      id,
      asset: 'USD',
      kind: 'liability' as const,
      state: 'open' as const,
      overdraft: 'none' as const,
      overdraft_limit: '0',
      posted_debits: '0',
      posted_credits: '50',
      pending_debits: '0',
      pending_credits: '0',
      version: 4,
    };
    const created_at = '2026-01-02T03:04:05.678Z';
    const payment: MessageData['payflow.payment.succeeded.v1'] = {
      id: newId('payment'),
      status: 'succeeded',
      amount: '50',
      asset: 'USD',
      amount_captured: '50',
      amount_refunded: '0',
      source: alice,
      destination: id,
      method: { type: 'internal' },
      failure: null,
      reference: null,
      metadata: {},
      version: 1,
      created_at,
      updated_at: created_at,
      accounts: [snapshot],
    };
    await house.publish('payflow.payment.succeeded.v1', payment, cause);
    await until('the balance is there', async () => (await db.rows(VERSION, [uuidOf('account', id)])).length === 1);
    await house.publish(
      'payflow.account.opened.v1',
      { ...snapshot, posted_credits: '0', version: 1, path: `late:${id}`, metadata: { k: 'v' }, created_at },
      cause,
    );
    await until('it is open', async () => (await client.get(`/api/v1/accounts/${id}`)).body['path'] === `late:${id}`);
    expect((await client.get(`/api/v1/accounts/${id}`)).body).toMatchObject({
      status: 'open',
      balance: '50',
      version: 4,
      created_at,
      metadata: { k: 'v' },
    });
  });
});
