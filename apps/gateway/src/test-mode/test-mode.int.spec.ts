import { randomUUID } from 'node:crypto';
import { uuidOf, type MessageData } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { TcpProxy, statementsOf, testServers, until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TAGS } from '../cache/catalogue.js';
import { GatewayCaches } from '../cache/gateway-caches.js';
import { SCOPES } from '../domain/scope.js';
import { keepBooks, type Books } from '../testing/books.js';
import { countRows, startGateway, type Answered, type Client } from '../testing/gateway-under-test.js';
import { metric } from '../testing/narrow-gateway.js';
import { signed, specReader } from '../testing/signed-webhooks.js';
import { openStage, told, type Stage } from '../testing/stage.js';
import { WebhookReaders } from '../webhooks/readers.js';
import { SpaceSweeper } from './space-sweeper.js';

const CLOCK = '/api/v1/test/clock';
const RESET = '/api/v1/test/reset';
const DAY_S = 86_400;
const WAIT = { prefer: 'wait=10' };

let stage: Stage;
let client: Client;
let live: Client;
let books: Books;
beforeAll(async () => {
  stage = await openStage();
  stage.gateway.app.get(WebhookReaders).set('spec', specReader);
  client = stage.client;
  live = await client.withKey(stage.db, SCOPES, true);
  books = await keepBooks(client);
});
afterAll(() => stage?.close());

const reset = (key: string = randomUUID()) => client.send('POST', RESET, undefined, { 'idempotency-key': key });
const travel = (body: object) => client.post(CLOCK, body);
const pay = ({ alice: source, bob: destination }: Books, key: string = randomUUID()) =>
  client.postUntilTaken(
    '/api/v1/payments',
    { source, destination, amount: '1', asset: 'USD', method: { type: 'internal' } },
    { ...WAIT, 'idempotency-key': key },
  );
const idOf = ({ body }: Answered) => body['id'] as string;
const commandsFor = (subject: string) => stage.house.commands.filter((command) => command.subject === subject);
const spaceNow = async () =>
  (
    await stage.db.rows<{ space: string }>(
      statement('spec.space', 'select coalesce(test_space, id) as space from tenants where id = $1'),
      [uuidOf('tenant', client.tenant)],
    )
  )[0]?.space as string;

describe('the clock of a test space', () => {
  it('is ours until it travels, and then tells who has heard of it', async () => {
    const before = await client.get(CLOCK);
    expect(before.body).toMatchObject({ ahead_seconds: 0, version: 0, heard: { payments: true, ledger: true } });
    const travelled = await travel({ advance_seconds: 8 * DAY_S });
    expect(travelled.body).toMatchObject({ ahead_seconds: 8 * DAY_S, version: 1, heard: { payments: false } });
    const sent = commandsFor(client.tenant);
    await until('both have heard', async () => {
      const { heard } = (await client.get(CLOCK)).body as { heard: Record<string, boolean> };
      return Object.values(heard).every(Boolean);
    });
    expect(sent.length).toBeLessThanOrEqual(2);
    const heardOf = commandsFor(client.tenant).map(({ type, data }) => [type, data]);
    expect(heardOf.sort(([one], [other]) => (String(one) < String(other) ? 1 : -1))).toEqual([
      ['payflow.payments_clock.set.v1', { id: client.tenant, ahead_ms: 8 * DAY_S * 1000, version: 1 }],
      ['payflow.ledger_clock.set.v1', { id: client.tenant, ahead_ms: 8 * DAY_S * 1000, version: 1 }],
    ]);
  });

  it('is what new instants are counted from', async () => {
    const payment = await pay(books);
    const [create] = commandsFor(idOf(payment));
    const { expires_at } = create?.data as MessageData['payflow.payment.create.v1'];
    expect(Date.parse(expires_at)).toBeGreaterThan(Date.now() + 8.9 * DAY_S * 1000);
    const { alice: debit_account, bob: credit_account } = books;
    const hold = (days: number) =>
      client.post('/api/v1/holds', {
        ...{ debit_account, credit_account, amount: '1', asset: 'USD' },
        expires_at: new Date(Date.now() + days * DAY_S * 1000).toISOString(),
      });
    expect(told(await hold(7))).toBe('422 expires_at_past');
    expect((await hold(9)).status).toBeLessThan(300);
  });

  it('goes until an instant, forward only, and not for ever', async () => {
    const at = new Date(Date.now() + 20 * DAY_S * 1000).toISOString();
    const { body } = await travel({ now: at });
    expect(Math.abs(Date.parse(body['now'] as string) - Date.parse(at))).toBeLessThan(5_000);
    expect(told(await travel({ now: new Date().toISOString() }))).toBe('422 test_clock_backwards');
    expect(told(await travel({ now: '2999-01-01T00:00:00Z' }))).toBe('422 test_clock_too_far');
    expect(told(await travel({ advance_seconds: 315_532_800 }))).toBe('422 test_clock_too_far');
  });

  it.each<[string, object | string]>([
    ['nothing', {}],
    ['both', { advance_seconds: 1, now: '2099-01-01T00:00:00Z' }],
    ['a second that is none', { advance_seconds: 0 }],
    ['a part of a second', { advance_seconds: 1.5 }],
    ['seconds as text', { advance_seconds: '60' }],
    ['a day that is none', { now: '2099-02-30T00:00:00Z' }],
    ['an instant without a zone', { now: '2099-01-01T00:00:00' }],
    ['something else', { advance_seconds: 1, by: 'car' }],
  ])('refuses %s, and stays', async (_, body) => {
    const [clock, rows] = [(await client.get(CLOCK)).body['version'], await countRows(stage.db)];
    expect(told(await client.post(CLOCK, body))).toBe('400 invalid_request');
    expect([(await client.get(CLOCK)).body['version'], await countRows(stage.db)]).toEqual([clock, rows]);
  });

  it('goes on once by copies of one request', async () => {
    const key = randomUUID();
    const body = { advance_seconds: 60 };
    const before = (await client.get(CLOCK)).body['version'] as number;
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => client.postUntilTaken(CLOCK, body, { 'idempotency-key': key })),
    );
    const final = answers.filter(({ status }) => status === 200).map(({ text }) => text);
    expect(answers.filter(({ status }) => status !== 200).map(told)).toEqual(
      Array<string>(answers.length - final.length).fill('409 key_in_use'),
    );
    const replayed = await client.post(CLOCK, body, { 'idempotency-key': key });
    expect(new Set([...final, replayed.text]).size).toBe(1);
    expect(replayed.headers.get('idempotency-replayed')).toBe('true');
    expect((await client.get(CLOCK)).body['version']).toBe(before + 1);
    expect(told(await client.post(CLOCK, { advance_seconds: 61 }, { 'idempotency-key': key }))).toBe(
      '422 idempotency_key_reused',
    );
  });

  it('costs a fixed number of statements', async () => {
    const asked = (method: 'GET' | 'POST', body?: object) =>
      statementsOf(async () => {
        const headers = {
          authorization: `Bearer ${client.key}`,
          ...(body ? { 'content-type': 'application/json', 'idempotency-key': randomUUID() } : {}),
        };
        await stage.gateway.app.inject({ method, url: CLOCK, headers, ...(body ? { payload: body } : {}) });
      });
    // Where a journey has just been asked for, the space is looked up anew.
    await client.get(CLOCK);
    expect(await asked('GET')).toEqual(['test-clocks.read']);
    expect((await asked('POST', { advance_seconds: 1 })).length).toBeLessThanOrEqual(10);
  });
});

describe('a reset', () => {
  it('begins anew: what was there is nobody’s, and what it is asked for twice is done once', async () => {
    const key = randomUUID();
    const [space, payment] = [await spaceNow(), await pay(books, key)];
    const [resetKey, realAccount] = [randomUUID(), await live.open()];
    const { next_cursor: cursor } = (await client.get('/api/v1/accounts?limit=1')).body;
    const done = await reset(resetKey);
    expect([done.status, done.body]).toMatchObject([200, { object: 'test_reset', livemode: false }]);
    const fresh = await spaceNow();
    expect(fresh).not.toBe(space);
    const again = await reset(resetKey);
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([done.text, 'true']);
    expect(await spaceNow()).toBe(fresh);

    expect(told(await client.get(`/api/v1/payments/${idOf(payment)}`))).toBe('404 not_found');
    expect(told(await client.get(`/api/v1/accounts/${books.alice}`))).toBe('404 not_found');
    // Nothing of it is there any more, nor does a cursor of its lists lead anywhere.
    expect(told(await client.get(`/api/v1/accounts?cursor=${String(cursor)}`))).toBe('400 cursor_mismatch');
    for (const list of ['payments', 'transfers', 'holds', 'refunds', 'transaction_types', 'limits', 'assets'])
      expect((await client.get(`/api/v1/${list}`)).body['data'], list).not.toContainEqual(
        expect.objectContaining({ livemode: false }),
      );
    expect(told(await pay(books))).toBe('422 account_not_found');
    expect((await live.get(`/api/v1/accounts/${realAccount}`)).status).toBe(200);
    expect((await client.get(CLOCK)).body).toMatchObject({ ahead_seconds: 0, version: 0 });

    books = await keepBooks(client);
    const paid = await pay(books, key);
    expect([paid.status, paid.body['id'] === idOf(payment)]).toEqual([201, false]);
  });

  it('leaves no key of a journey behind: the same journey is made again', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const journey = () => client.post(CLOCK, { advance_seconds: 60 }, key);
    expect(told(await journey())).toBe('200');
    await reset();
    const again = await journey();
    expect([told(again), again.headers.get('idempotency-replayed')]).toEqual(['200', null]);
    expect((await client.get(CLOCK)).body).toMatchObject({ ahead_seconds: 60, version: 1 });
    expect((await journey()).headers.get('idempotency-replayed')).toBe('true');
    await reset();
    books = await keepBooks(client);
  });

  it('that a process has not heard of lets no journey begin in the old space, and none be made twice', async () => {
    const { testSpaces } = stage.gateway.app.get(GatewayCaches);
    const old = { 'idempotency-key': randomUUID() };
    expect(told(await client.post(CLOCK, { advance_seconds: 60 }, old))).toBe('200');
    const before = await testSpaces.get(client.tenant);
    await reset();
    if (before) testSpaces.put(client.tenant, before);
    expect(told(await client.post(CLOCK, { advance_seconds: 60 }, old))).toBe('503 unavailable');
    if (before) testSpaces.put(client.tenant, before);
    const key = { 'idempotency-key': randomUUID() };
    const journey = () => client.post(CLOCK, { advance_seconds: 60 }, key);
    expect(told(await journey())).toBe('503 unavailable');
    expect([told(await journey()), told(await journey())]).toEqual(['200', '200']);
    expect((await client.get(CLOCK)).body).toMatchObject({ ahead_seconds: 60, version: 1 });
    await reset();
    books = await keepBooks(client);
  });

  it('tells the owners that nobody travels in the old space any more', async () => {
    const space = await spaceNow();
    await travel({ advance_seconds: 60 });
    await reset();
    books = await keepBooks(client);
    await until('all was told', () =>
      stage.house.commands.some(({ type, data }) => {
        const clock = data as MessageData['payflow.ledger_clock.set.v1'];
        return type === 'payflow.ledger_clock.set.v1' && uuidOf('tenant', clock.id) === space && clock.ahead_ms === 0;
      }),
    );
  });

  it('and travelling are for test keys that may, and not for live ones', async () => {
    const reader = await client.withKey(stage.db, ['payments:read']);
    const space = await spaceNow();
    expect(told(await live.post(RESET, {}))).toBe('403 test_mode_only');
    expect(told(await live.post(CLOCK, { advance_seconds: 60 }))).toBe('403 test_mode_only');
    expect(told(await live.get(CLOCK))).toBe('403 test_mode_only');
    expect(told(await reader.post(RESET, {}))).toBe('403 forbidden');
    expect(told(await reader.get(CLOCK))).toBe('403 forbidden');
    expect(told(await client.post(RESET, {}, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
    expect(told(await client.post(RESET, { all: true }))).toBe('400 invalid_request');
    expect(await spaceNow()).toBe(space);
  });

  it('leaves a provider’s word to the space of its payment', async () => {
    const payment = idOf(await pay(books));
    const [create] = commandsFor(payment);
    const notice = (id: string) => {
      const merchantReference = `${create?.tenant}/test/${payment}`;
      const facts = { kind: 'dispute_opened', idempotencyKey: null, reference: `dsp_${id}`, code: 'fraudulent' };
      return { id, merchantReference, ...facts, amount: '1', asset: 'USD', occurredAt: new Date().toISOString() };
    };
    const tell = (id: string) => {
      const body = JSON.stringify(notice(id));
      return fetch(`${client.base}/api/v1/provider_webhooks/spec`, {
        method: 'POST',
        body,
        headers: signed(body, { id }),
      });
    };
    const notices = () => commandsFor(payment).filter(({ type }) => type === 'payflow.payment.notice.v1');
    expect((await tell(randomUUID())).status).toBe(204);
    await until('it was told', () => notices().length === 1);
    expect(notices()[0]?.tenant).toBe(create?.tenant);
    expect(create?.tenant).not.toBe(client.tenant);
  });

  it('leaves rows behind, which are removed in portions when nobody compares them any more', async () => {
    await pay(books);
    const space = await spaceNow();
    await reset();
    const sweeper = stage.gateway.app.get(SpaceSweeper);
    const left = async () =>
      (
        await stage.db.rows<{ rows: number }>(
          statement(
            'spec.left-of-tenant',
            `select ((select count(*) from payment_views where tenant_id = $1) + (select count(*) from account_views where tenant_id = $1)
               + (select count(*) from transfer_views where tenant_id = $1))::integer as rows`,
          ),
          [space],
        )
      )[0]?.rows as number;
    const before = await left();
    expect(before).toBeGreaterThan(2);
    await sweeper.sweep();
    expect(await left()).toBe(before);
    const aged = new SpaceSweeper(stage.db, 0);
    await until('nothing is left', async () => (await aged.sweep()) === 0);
    expect(await left()).toBe(0);
  });
});

describe('what changes where test data stands, or when', () => {
  const redis = new TcpProxy(new URL(testServers().redis));
  let slow: Awaited<ReturnType<typeof startGateway>>;
  beforeAll(async () => {
    await redis.open();
    slow = await startGateway({ ...stage, redisUrl: redis.url });
  });
  afterAll(async () => {
    await slow?.stop();
    await redis.close();
  });

  it.each([
    ['a journey', CLOCK, { advance_seconds: 60 }],
    ['a reset', RESET, {}],
  ])('is told to the other processes before the answer: %s', async (_what, path, body) => {
    const untold = () => metric('payflow_cache_errors_total{operation="tell"}');
    const before = await untold();
    // Redis hears, and says nothing: when it is given up, it is owed, and the request goes on.
    redis.stall(true);
    const answer = await client.at(slow.base).post(path, body);
    const after = await untold();
    redis.stall(false);
    expect([told(answer), after]).toEqual(['200', before + 1]);
    const { bus } = slow.app.get(GatewayCaches).all;
    await until('it was told after all', () => !bus.owes([TAGS.testSpace(client.tenant)]));
  });
});
