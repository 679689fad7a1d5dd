import { newId } from '@payflow/contracts';
import { checkInvariant } from '@payflow/invariants';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from '../../database/index.js';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const CONVERSIONS = '/api/v1/conversions';
const PATIENT = { prefer: 'wait=10' };
const rate = { numerator: '92', denominator: '100' };
let stage: Stage;
let dollars: string;
let dollarPool: string;
let euroPool: string;
let euros: string;
let pauper: string;

beforeAll(async () => {
  stage = await openStage();
  const { client, house } = stage;
  [dollars, dollarPool, pauper] = [await client.open(), await client.open(), await client.open()];
  [euroPool, euros] = [await client.open('EUR'), await client.open('EUR')];
  house.empty.add(pauper);
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const terms = (change: object = {}) => ({
  source: dollars,
  source_liquidity: dollarPool,
  destination_liquidity: euroPool,
  destination: euros,
  source_asset: 'USD',
  destination_asset: 'EUR',
  source_amount: '199',
  rate,
  ...change,
});
const convert = (change: object = {}, headers: Record<string, string> = {}) =>
  stage.client.post(CONVERSIONS, terms(change), { ...PATIENT, ...headers });
const read = async (path: string) => (await stage.client.get(`/api/v1${path}`)).body;

describe('a conversion', () => {
  it('is answered 201 with both amounts and the rate, and is there at once', async () => {
    const { status, headers, body } = await convert({ metadata: { quote: '7' } });
    const { id } = body as { id: string };
    expect(status).toBe(201);
    expect(body).toEqual({
      id,
      object: 'conversion',
      status: 'posted',
      source: dollars,
      source_liquidity: dollarPool,
      source_asset: 'USD',
      source_amount: '199',
      destination: euros,
      destination_liquidity: euroPool,
      destination_asset: 'EUR',
      destination_amount: '183',
      rate,
      transfers: body['transfers'],
      failure: null,
      metadata: { quote: '7' },
      livemode: false,
      trace_id: body['trace_id'],
      created_at: body['created_at'],
      recorded_at: expect.any(String) as unknown,
    });
    expect(headers.get('location')).toBe(`${CONVERSIONS}/${id}`);
    expect(await read(`/conversions/${id}`)).toEqual(body);
  });

  it('is a group of two transfers, each with the rate', async () => {
    const { id, transfers } = (await convert()).body as { id: string; transfers: [string, string] };
    const given = await read(`/transfers/${transfers[0]}`);
    const taken = await read(`/transfers/${transfers[1]}`);
    const common = { status: 'posted', group: id, rate };
    expect(given).toMatchObject({ ...common, debit_account: dollars, credit_account: dollarPool, amount: '199' });
    expect(taken).toMatchObject({ ...common, debit_account: euroPool, credit_account: euros, amount: '183' });
    expect(await read(`/transfer_groups/${id}`)).toMatchObject({
      object: 'transfer_group',
      rate,
      transfers: [given, taken],
    });
    const reversal = await stage.client.post(`/api/v1/transfers/${transfers[1]}/reverse`, {}, PATIENT);
    expect(reversal.body).toMatchObject({ debit_account: euros, credit_account: euroPool, amount: '183', rate: null });
    expect(await read(`/transfers/${transfers[1]}`)).toMatchObject({ reversed: '183', rate });
  });

  it('may be between units of the tenant, and exact to the last digit', async () => {
    await stage.client.post('/api/v1/assets', { code: 'POINTS', scale: 0, name: 'Points' }, PATIENT);
    const [pool, points] = [await stage.client.open('POINTS'), await stage.client.open('POINTS')];
    const { body } = await convert({
      source_amount: '9007199254740993',
      destination_liquidity: pool,
      destination: points,
      destination_asset: 'POINTS',
      rate: { numerator: '9223372036854775807', denominator: '9223372036854775806' },
    });
    expect([body['status'], body['destination_amount']]).toEqual(['posted', '9007199254740993']);
  });

  it('that the ledger refuses answers with the reason and is kept as failed', async () => {
    const { status, headers, body } = await convert({ source: pauper });
    const failure = { code: 'insufficient_funds', leg: 0 };
    expect([status, body['code']]).toEqual([402, 'insufficient_funds']);
    expect(body['conversion']).toMatchObject({ status: 'failed', failure, recorded_at: null, rate });
    const { id } = body['conversion'] as { id: string };
    expect(headers.get('location')).toBe(`${CONVERSIONS}/${id}`);
    expect(await read(`/conversions/${id}`)).toEqual(body['conversion']);
  });

  it('is answered 202 when its end does not come in time, and again once it has', async () => {
    stage.house.answering = false;
    const key = { 'idempotency-key': newId('event') };
    const held = { ...key, prefer: 'wait=0' };
    const { status, headers, body } = await convert({}, held);
    expect([status, body['status'], body['destination_amount']]).toEqual([202, 'pending', '183']);
    const location = headers.get('location') as string;
    expect((await stage.client.get(location)).body).toEqual(body);
    const copy = await convert({}, held);
    expect([copy.status, copy.body]).toEqual([202, body]);
    stage.house.answering = true;
    await until('it has ended', async () => (await stage.client.get(location)).body['status'] === 'posted');
    const again = await convert({}, key);
    expect([again.status, again.headers.get('idempotency-replayed'), again.body['id']]).toEqual([
      201,
      'true',
      body['id'],
    ]);
    expect(told(await convert({ source_amount: '5' }, key))).toBe('422 idempotency_key_reused');
  });

  it('may have the id that the client chose, once', async () => {
    const id = newId('group');
    expect((await convert({ id })).body['id']).toBe(id);
    const before = await countRows(stage.db);
    expect(told(await convert({ id, source_amount: '5' }))).toBe('422 id_reused');
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('is made under conditions, or refused with 409', async () => {
    const version = (await read(`/accounts/${euros}`))['version'] as number;
    const answer = await convert({ conditions: [{ account: euros, version: version + 1 }] });
    expect(told(answer)).toBe('409 condition_failed');
    expect(answer.body['conversion']).toMatchObject({
      status: 'failed',
      failure: { code: 'condition_failed', leg: null },
    });
    expect(told(await convert({ conditions: [{ account: euros, version, balance_gte: '-5' }] }))).toBe('201');
  });

  it('is not found where a group is none, nor by another tenant or scope', async () => {
    const leg = { debit_account: dollars, credit_account: dollarPool, amount: '5', asset: 'USD' };
    const group = (await stage.client.post('/api/v1/transfers', { legs: [leg, leg] }, PATIENT)).body['id'] as string;
    expect(told(await stage.client.get(`${CONVERSIONS}/${group}`))).toBe('404 not_found');
    expect(told(await stage.client.get(`${CONVERSIONS}/${newId('group')}`))).toBe('404 not_found');
    expect(told(await stage.client.get(`${CONVERSIONS}/${newId('transfer')}`))).toBe('400 invalid_id');
    const { id } = (await convert()).body as { id: string };
    const live = await stage.client.withKey(stage.db, ['transfers:read'], true);
    expect(told(await live.get(`${CONVERSIONS}/${id}`))).toBe('404 not_found');
    expect(told(await live.post(CONVERSIONS, terms()))).toBe('403 forbidden');
  });
});

describe('what cannot be converted leaves nothing', () => {
  const stranger = newId('account');

  it.each<[string, () => object, string, string?]>([
    ['a missing rate', () => ({ rate: undefined }), '400 invalid_request', '/rate'],
    ['a rate as a number', () => ({ rate: 0.92 }), '400 invalid_request', '/rate'],
    ['a rate of numbers', () => ({ rate: { ...rate, numerator: 92 } }), '400 invalid_request', '/rate/numerator'],
    ['a rate with a point', () => ({ rate: { ...rate, numerator: '0.92' } }), '400 invalid_request', '/rate/numerator'],
    ['a rate of zero', () => ({ rate: { ...rate, numerator: '0' } }), '400 invalid_request', '/rate/numerator'],
    ['a rate by zero', () => ({ rate: { ...rate, denominator: '0' } }), '400 invalid_request', '/rate/denominator'],
    ['a rate below zero', () => ({ rate: { ...rate, denominator: '-1' } }), '400 invalid_request', '/rate/denominator'],
    [
      'a rate past 64 bits',
      () => ({ rate: { ...rate, denominator: '9223372036854775808' } }),
      '400 invalid_request',
      '/rate/denominator',
    ],
    ['half a rate', () => ({ rate: { numerator: '1' } }), '400 invalid_request', '/rate/denominator'],
    ['a rate with more', () => ({ rate: { ...rate, scale: 2 } }), '400 invalid_request', '/rate/scale'],
    ['an amount as a number', () => ({ source_amount: 199 }), '400 invalid_request', '/source_amount'],
    [
      'an amount past 64 bits',
      () => ({ source_amount: '9223372036854775808' }),
      '400 invalid_request',
      '/source_amount',
    ],
    [
      'the amount of the destination',
      () => ({ destination_amount: '183' }),
      '400 invalid_request',
      '/destination_amount',
    ],
    ['an id of something else', () => ({ id: newId('transfer') }), '400 invalid_request', '/id'],
    ['a missing account', () => ({ source_liquidity: undefined }), '400 invalid_request', '/source_liquidity'],
    ['no amount', () => ({ source_amount: '0' }), '422 amount_not_positive'],
    ['one asset', () => ({ destination_asset: 'USD' }), '422 assets_identical'],
    ['an unknown asset', () => ({ destination_asset: 'eur' }), '422 asset_unknown', '/destination_asset'],
    ['a unit that is not defined', () => ({ source_asset: 'NOSUCH' }), '422 asset_unknown', '/source_asset'],
    ['one account as both', () => ({ source_liquidity: dollars }), '422 accounts_identical'],
    ['an unknown account', () => ({ source_liquidity: stranger }), '422 account_not_found', '/source_liquidity'],
    [
      'an account of another asset',
      () => ({ destination_liquidity: dollarPool }),
      '422 assets_differ',
      '/destination_liquidity',
    ],
    ['less than a minor unit', () => ({ source_amount: '1' }), '422 conversion_too_small'],
    // In precedence order, each also breaks rules below its own.
    [
      'no amount of one asset',
      () => ({ source_amount: '0', destination_asset: 'USD', source_liquidity: dollars }),
      '422 amount_not_positive',
    ],
    [
      'less than a minor unit of an unknown asset',
      () => ({ source_amount: '1', source_asset: 'usd' }),
      '422 asset_unknown',
      '/source_asset',
    ],
    [
      'less than a minor unit of one asset',
      () => ({ source_amount: '1', destination_asset: 'USD', source_liquidity: dollars }),
      '422 assets_identical',
    ],
    [
      'more than can be booked of one asset',
      () => ({
        source_amount: '9223372036854775807',
        rate: { numerator: '2', denominator: '1' },
        destination_asset: 'USD',
      }),
      '422 assets_identical',
    ],
    [
      'less than a minor unit, from one account to itself',
      () => ({ source_amount: '1', source_liquidity: dollars }),
      '422 conversion_too_small',
    ],
    [
      'more than can be booked',
      () => ({ source_amount: '9223372036854775807', rate: { numerator: '2', denominator: '1' } }),
      '422 conversion_too_large',
    ],
  ])('%s', async (_, change, expected, pointer) => {
    const before = await countRows(stage.db);
    const answer = await convert(change());
    expect(told(answer)).toBe(expected);
    if (pointer) expect(answer.body['errors']).toEqual([expect.objectContaining({ pointer })]);
    expect(await countRows(stage.db)).toEqual(before);
  });
});

describe('a list of conversions', () => {
  it('shows them newest first, page by page, and no other groups', async () => {
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect((await stranger.get(CONVERSIONS)).body).toEqual({ data: [], next_cursor: null });
    const leg = { debit_account: dollars, credit_account: dollarPool, amount: '1', asset: 'USD' };
    expect(told(await stage.client.post('/api/v1/transfers', { legs: [leg, leg] }, PATIENT))).toBe('201');
    const first = (await convert()).body;
    const second = (await convert()).body;
    const page = await read('/conversions?limit=1');
    expect(page['data']).toEqual([second]);
    const next = await read(`/conversions?limit=1&cursor=${page['next_cursor'] as string}`);
    expect(next['data']).toEqual([first]);
    const lines = await stage.client.get(`${CONVERSIONS}?limit=2`, { accept: 'application/x-ndjson' });
    expect(
      lines.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    ).toEqual([second, first]);
  });

  it('finds them by each of their accounts, by status and by time', async () => {
    const [pool, points] = [await stage.client.open('EUR'), await stage.client.open('EUR')];
    const one = (await convert({ destination_liquidity: pool, destination: points })).body;
    for (const account of [pool, points])
      expect((await read(`/conversions?account=${account}`))['data']).toEqual([one]);
    for (const account of [dollars, dollarPool])
      expect(((await read(`/conversions?account=${account}&limit=1`))['data'] as object[])[0]).toEqual(one);
    const failed = (await read('/conversions?status=failed'))['data'] as Record<string, unknown>[];
    expect(new Set(failed.map(({ status }) => status))).toEqual(new Set(['failed']));
    const since = encodeURIComponent(one['created_at'] as string);
    const later = (await read(`/conversions?created%5Bgte%5D=${since}&account=${points}`))['data'];
    expect(later).toEqual([one]);
    expect((await read(`/conversions?created%5Blt%5D=${since}&account=${points}`))['data']).toEqual([]);
  });

  it.each([
    'status=lost',
    'account=tr_1',
    'limit=0',
    'limit=201',
    'cursor=x',
    'sort=amount',
    'created%5Bgte%5D=2026-02-30',
  ])('refuses %s', async (query) => {
    expect(told(await stage.client.get(`${CONVERSIONS}?${query}`))).toMatch(/^400 /);
  });
});

it('leaves the gateway with a message for every change, and a wait for all that has not ended', async () => {
  for (const each of invariants.filter(({ name }) => name === 'I11' || name === 'I18'))
    expect([each.name, (await checkInvariant(stage.db, each, 'full')).sample]).toEqual([each.name, []]);
});
