import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newId, type PaymentSnapshot } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { LIMIT, openReviews, RULE } from '../../testing/policies.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const LIMITS = '/api/v1/limits';
const RULES = '/api/v1/risk_rules';
const REVIEWS = '/api/v1/reviews';
const WAIT = { prefer: 'wait=10' };

let stage: Stage;
let client: Client;
/** The payments service's read API, as far as it is asked here. */
let payments: Server;
const asked: string[] = [];

beforeAll(async () => {
  payments = createServer((request, response) => {
    asked.push(request.url ?? '');
    const isKnown = !request.url?.includes('nobody');
    response.writeHead(isKnown ? 200 : 404, { 'content-type': 'application/json' }).end('{"object":"limit_use"}');
  }).listen(0, '127.0.0.1');
  await once(payments, 'listening');
  stage = await openStage({
    PAYFLOW_INTERNAL_HTTP_VERSION: '1.1',
    PAYFLOW_INTERNAL_PAYMENTS_URL: `http://127.0.0.1:${(payments.address() as AddressInfo).port}`,
  });
  client = stage.client;
});
afterAll(async () => {
  await stage?.close();
  payments?.closeAllConnections();
  payments?.close();
});
afterEach(() => {
  stage.house.answering = true;
});

describe('a limit', () => {
  it('is defined, goes on by versions, and is read as it is in force', async () => {
    const made = await client.post(LIMITS, LIMIT, WAIT);
    const id = made.body['id'] as string;
    expect([made.status, made.headers.get('location'), made.body]).toEqual([
      201,
      `${LIMITS}/${id}`,
      {
        ...{ id, object: 'limit', version: 1, kind: 'per_day', scope: 'all', customer: null, method: null },
        ...{ asset: 'USD', amount: '100000', count: null, minutes: null, enabled: true },
        defined_at: expect.any(String) as string,
        deleted_at: null,
      },
    ]);
    const one = await client.get(`${LIMITS}/${id}`);
    expect([one.text, one.headers.get('etag')]).toEqual([made.text, 'W/"1"']);
    const next = await client.post(LIMITS, { ...LIMIT, id, amount: '5' }, { ...WAIT, 'if-match': 'W/"1"' });
    expect([next.status, next.body]).toMatchObject([201, { id, version: 2, amount: '5' }]);
    expect(told(await client.post(LIMITS, { ...LIMIT, id }, { ...WAIT, 'if-match': 'W/"1"' }))).toBe(
      '412 version_differs',
    );
    expect((await client.get(`${LIMITS}/${id}`, { 'if-none-match': 'W/"2"' })).status).toBe(304);
  });

  it('is told alike to every copy of the request, before its end too', async () => {
    stage.house.answering = false;
    const key = { 'idempotency-key': randomUUID(), prefer: 'wait=0' };
    const [first, second] = [await client.post(LIMITS, LIMIT, key), await client.post(LIMITS, LIMIT, key)];
    expect([first.status, second.status, second.text]).toEqual([202, 202, first.text]);
    expect(first.body).toMatchObject({ version: 0, defined_at: null });
    stage.house.answering = true;
    const ended = await client.post(LIMITS, LIMIT, { ...key, ...WAIT });
    expect([ended.status, ended.body['id']]).toEqual([201, first.body['id']]);
    expect(told(await client.post(LIMITS, { ...LIMIT, amount: '1' }, key))).toBe('422 idempotency_key_reused');
  });

  it('is listed, by its kind, to its own tenant and mode', async () => {
    await client.post(LIMITS, { kind: 'velocity', count: 5, minutes: 60, scope: 'each_customer' }, WAIT);
    const { body } = await client.get(`${LIMITS}?kind=velocity`);
    expect(body).toMatchObject({ data: [{ kind: 'velocity', count: 5, minutes: 60 }], next_cursor: null });
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect((await stranger.get(LIMITS)).body).toEqual({ data: [], next_cursor: null });
    const [own] = (await client.get(LIMITS)).body['data'] as { id: string }[];
    expect(told(await stranger.get(`${LIMITS}/${own?.id}`))).toBe('404 not_found');
    const live = await client.withKey(stage.db, ['limits:read'], true);
    expect(told(await live.get(`${LIMITS}/${own?.id}`))).toBe('404 not_found');
    expect(told(await live.post(LIMITS, LIMIT, WAIT))).toBe('403 forbidden');
  });

  it('has its use told by payments', async () => {
    const [id, customer] = [newId('limit'), newId('customer')];
    const { status, body } = await client.get(`${LIMITS}/${id}/use?customer=${customer}`);
    expect([status, body, asked.at(-1)]).toEqual([
      200,
      { object: 'limit_use' },
      `/api/v1/limits/${id}/use?customer=${customer}`,
    ]);
    expect(told(await client.get(`${LIMITS}/${id}/use?customer=anna`))).toBe('400 invalid_parameter');
    expect(told(await client.get(`${LIMITS}/lim_1/use`))).toBe('400 invalid_id');
  });
});

describe('a risk rule', () => {
  it('is defined with its conditions, goes on by versions, and is listed by its verdict', async () => {
    const conditions = {
      asset: ['USD', 'EUR'],
      amount_gte: '100000',
      velocity: { per: 'card', more_than: 3, minutes: 5 },
    };
    const made = await client.post(RULES, { ...RULE, conditions }, WAIT);
    expect([made.status, made.body]).toMatchObject([
      201,
      { object: 'risk_rule', version: 1, ...RULE, conditions, enabled: true },
    ]);
    const id = made.body['id'] as string;
    expect((await client.post(RULES, { ...RULE, id, enabled: false }, WAIT)).body).toMatchObject({ version: 2 });
    expect((await client.get(`${RULES}/${id}`)).body).toMatchObject({ enabled: false, conditions: {} });
    expect((await client.get(`${RULES}?verdict=deny`)).body['data']).toEqual([]);
    expect((await client.get(`${RULES}?verdict=review`)).body['data']).toMatchObject([{ id, deleted_at: null }]);
  });
});

describe('a review', () => {
  it('stands in the queue until it is approved or denied, once', async () => {
    const [first = '', second = ''] = await openReviews(stage, 2);
    const open = await client.get(`${REVIEWS}?status=open`);
    expect((open.body['data'] as { id: string }[]).map(({ id }) => id).sort()).toEqual([first, second].sort());
    const approved = await client.post(`${REVIEWS}/${first}/approve`, { reason: 'known customer' }, WAIT);
    expect([approved.status, approved.body]).toMatchObject([
      200,
      { id: first, object: 'review', status: 'approved', decision_reason: 'known customer', version: 2 },
    ]);
    const denied = await client.post(`${REVIEWS}/${second}/deny`, { reason: 'stolen' }, WAIT);
    expect([denied.status, denied.body]).toMatchObject([200, { status: 'denied' }]);
    const conditional = { ...WAIT, 'if-match': 'W/"1"' };
    expect(told(await client.post(`${REVIEWS}/${second}/approve`, { reason: 'late' }, conditional))).toBe(
      '412 version_differs',
    );
    expect(told(await client.post(`${REVIEWS}/${second}/approve`, { reason: 'late' }, WAIT))).toBe(
      '409 review_not_open',
    );
    expect((await client.get(`${REVIEWS}?status=open`)).body['data']).toEqual([]);
    expect((await client.get(`${REVIEWS}/${first}`)).body).toMatchObject({ status: 'approved' });
    expect(stage.house.commands.filter(({ type }) => type === 'payflow.review.decide.v1')).toHaveLength(4);
  });

  it("is nobody else's to see or to decide", async () => {
    const [id = ''] = await openReviews(stage, 1);
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect(told(await stranger.get(`${REVIEWS}/${id}`))).toBe('404 not_found');
    expect(told(await stranger.post(`${REVIEWS}/${id}/approve`, { reason: 'mine' }))).toBe('404 not_found');
    const reader = await client.withKey(stage.db, ['reviews:read', 'limits:write', 'payments:write']);
    expect(told(await reader.post(`${REVIEWS}/${id}/approve`, { reason: 'may I' }))).toBe('403 forbidden');
  });
});

describe('what is not so', () => {
  const big = '9'.repeat(19);
  it.each<[what: string, path: string, body: unknown, answer: string]>([
    ['no kind', LIMITS, {}, '400 invalid_request /kind missing'],
    ['an unknown kind', LIMITS, { ...LIMIT, kind: 'per_week' }, '400 invalid_request /kind malformed'],
    ['a sum without an asset', LIMITS, { kind: 'per_day', amount: '5' }, '400 invalid_request /asset missing'],
    ['no sum', LIMITS, { kind: 'per_day', asset: 'USD' }, '400 invalid_request /amount missing'],
    ['a sum as a number', LIMITS, { ...LIMIT, amount: 5 }, '400 invalid_request /amount wrong_type'],
    ['a sum that cannot be counted', LIMITS, { ...LIMIT, amount: big }, '400 invalid_request /amount out_of_range'],
    ['an unknown asset', LIMITS, { ...LIMIT, asset: 'XXQ' }, '422 asset_unknown /asset asset_unknown'],
    ['a count beside a sum', LIMITS, { ...LIMIT, count: 5 }, '400 invalid_request /count not_supported'],
    ['no minutes', LIMITS, { kind: 'velocity', count: 5 }, '400 invalid_request /minutes missing'],
    ['no minute', LIMITS, { kind: 'velocity', count: 5, minutes: 0 }, '400 invalid_request /minutes malformed'],
    [
      'a count past all',
      LIMITS,
      { kind: 'velocity', count: 1_001, minutes: 5 },
      '400 invalid_request /count malformed',
    ],
    ['half a payment', LIMITS, { kind: 'velocity', count: 1.5, minutes: 5 }, '400 invalid_request /count wrong_type'],
    ['one customer unnamed', LIMITS, { ...LIMIT, scope: 'customer' }, '400 invalid_request /customer missing'],
    [
      'a customer of all',
      LIMITS,
      { ...LIMIT, scope: 'all', customer: newId('customer') },
      '400 invalid_request /customer not_supported',
    ],
    ['an id of something else', LIMITS, { ...LIMIT, id: newId('payment') }, '400 invalid_request /id malformed'],
    ['an unknown field', LIMITS, { ...LIMIT, per: 'day' }, '400 invalid_request /per unknown'],
    ['a list', LIMITS, [LIMIT], '400 invalid_request  '],
    ['no verdict', RULES, { priority: 1, reason: 'odd' }, '400 invalid_request /verdict missing'],
    ['an unknown verdict', RULES, { ...RULE, verdict: 'maybe' }, '400 invalid_request /verdict malformed'],
    ['a reason in words', RULES, { ...RULE, reason: 'Looks odd!' }, '400 invalid_request /reason malformed'],
    ['a priority below zero', RULES, { ...RULE, priority: -1 }, '400 invalid_request /priority malformed'],
    [
      'sums of no asset',
      RULES,
      { ...RULE, conditions: { amount_gte: '5' } },
      '400 invalid_request /conditions/asset missing',
    ],
    [
      'a range turned round',
      RULES,
      { ...RULE, conditions: { asset: ['USD'], amount_gte: '5', amount_lte: '4' } },
      '400 invalid_request /conditions/amount_lte out_of_range',
    ],
    [
      'an unknown asset',
      RULES,
      { ...RULE, conditions: { asset: ['USD', 'XXQ'] } },
      '422 asset_unknown /conditions/asset/1 asset_unknown',
    ],
    ['an empty list', RULES, { ...RULE, conditions: { hour: [] } }, '400 invalid_request /conditions/hour malformed'],
    ['hour 24', RULES, { ...RULE, conditions: { hour: [24] } }, '400 invalid_request /conditions/hour/0 malformed'],
    [
      'a country in small letters',
      RULES,
      { ...RULE, conditions: { country: ['za'] } },
      '400 invalid_request /conditions/country/0 malformed',
    ],
    [
      'an unknown condition',
      RULES,
      { ...RULE, conditions: { mood: 'bad' } },
      '400 invalid_request /conditions/mood unknown',
    ],
    ['no review', `${REVIEWS}/${newId('review')}/approve`, { reason: 'x' }, '404 not_found  '],
    ['no id', `${REVIEWS}/rev_1/approve`, { reason: 'x' }, '400 invalid_id  '],
  ])('%s is refused, and leaves nothing', async (_what, path, body, answer) => {
    const before = await countRows(stage.db);
    const refused = await client.post(path, body);
    const [first = { pointer: '', code: '' }] = (refused.body['errors'] as { pointer: string; code: string }[]) ?? [];
    expect(`${told(refused)} ${first.pointer} ${first.code}`).toBe(answer);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it.each([
    {},
    { reason: '' },
    { reason: 'x'.repeat(501) },
    { reason: 5 },
    { reason: 'a\u0007b' },
    { reason: 'x', by: 'me' },
  ])('a decision of %j is refused', async (body) => {
    const [id = ''] = await openReviews(stage, 1);
    expect(told(await client.post(`${REVIEWS}/${id}/deny`, body))).toMatch(/^400 invalid_/);
  });

  it('a filter that is none is refused', async () => {
    for (const query of ['status=lost', 'status=open&status=denied', 'rule=1', 'limit=0'])
      expect(told(await client.get(`${REVIEWS}?${query}`))).toBe('400 invalid_parameter');
    expect(told(await client.post(LIMITS, LIMIT, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
    expect(told(await client.post(LIMITS, LIMIT, { 'if-match': 'now' }))).toBe('400 invalid_header');
  });
});

it('tells with a payment that its organisation refused which limit it was, or why', async () => {
  stage.house.answering = false;
  const [source, destination] = await (async () => {
    stage.house.answering = true;
    const opened = [await client.open(), await client.open()];
    stage.house.answering = false;
    return opened;
  })();
  const waiting = client.post('/api/v1/payments', { source, destination, amount: '7', asset: 'USD' }, WAIT);
  const command = await until('the command came', () =>
    stage.house.commands.find((one) => one.type === 'payflow.payment.create.v1' && one.data.source === source),
  );
  const { id, method, reference, metadata, created_at, amount, asset } = command.data as PaymentSnapshot;
  const sums = { amount, asset, amount_captured: '0', amount_refunded: '0' };
  const facts = {
    id,
    source: source as string,
    destination: destination as string,
    ...sums,
    method,
    reference,
    metadata,
  };
  await stage.house.publish(
    'payflow.payment.failed.v1',
    {
      ...facts,
      ...{ status: 'failed', failure: { code: 'limit_exceeded', reason: 'per_day' }, version: 1 },
      ...{ created_at, updated_at: created_at, accounts: [] },
    },
    command,
  );
  const answer = await waiting;
  expect(told(answer)).toBe('402 declined');
  expect(answer.body['payment']).toMatchObject({ failure: { code: 'limit_exceeded', reason: 'per_day' } });
  expect((await client.get(`/api/v1/payments/${id}`)).body).toMatchObject({
    failure: { code: 'limit_exceeded', reason: 'per_day' },
  });
});
