import { randomUUID } from 'node:crypto';
import { fromUuid, newId, type IdKind } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepBooks, type Books } from '../testing/books.js';
import { countAllRows } from '../testing/all-rows.js';
import { type Answered } from '../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../testing/stage.js';

// Every place of the ledger's endpoints that takes money, a time, an id or a page, with every wrong value of its kind.
const TRANSFERS = '/api/v1/transfers';
let stage: Stage;
let own: Books;
let before: Readonly<Record<string, number>>;

beforeAll(async () => {
  stage = await openStage();
  own = await keepBooks(stage.client);
  const variables = { payer: 'account', total: 'amount' };
  const part = { debit_account: '$payer', credit_account: own.bob, asset: 'USD', of: '$total', remaining: true };
  const type = await post('/api/v1/transaction_types', { id: 'sale', template: { variables, legs: [part] } });
  expect(told(type)).toBe('201');
});
afterAll(() => stage?.close());
beforeEach(async () => {
  before = await countAllRows(stage.db);
});
// Whatever was refused has left no row and no message.
afterEach(async () => {
  expect(await countAllRows(stage.db)).toEqual(before);
});

const post = (path: string, body: object | string) => stage.client.post(path, body, { prefer: 'wait=10' });
const movement = (more: object = {}) => ({
  debit_account: own.alice,
  credit_account: own.bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const conversion = (more: object = {}) => ({
  source: own.alice,
  source_liquidity: own.bob,
  destination_liquidity: own.euros,
  destination: own.euros,
  source_asset: 'USD',
  destination_asset: 'EUR',
  source_amount: '100',
  rate: { numerator: '1', denominator: '1' },
  ...more,
});
const correction = (more: object) => post(`${TRANSFERS}/${own.transfer}/correct`, more);

/** A place of a request, and how it is asked with a value there. */
type Place = [what: string, ask: (value: unknown) => Promise<Answered>];

async function refuses(ask: Place[1], values: readonly unknown[], expected: RegExp): Promise<void> {
  for (const value of values) {
    const answer = await ask(value);
    expect(`${JSON.stringify(value)} ${told(answer)}`).toMatch(expected);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  }
}

describe('money', () => {
  const WRONG: readonly unknown[] = [
    ...['-1', '-0', '+5', '0.1', '1e3', '1,000', '1_000', '１００', '١٠٠', ' 12 ', '12\n', '', '0x10', '007', 'NaN'],
    ...['9223372036854775808', '18446744073709551616', '99999999999999999999', '1'.repeat(1_000)],
    ...[0, 0.1, 100, -1, 9_007_199_254_740_992, true, null, ['1'], { minor: '1' }],
  ];
  const places: Place[] = [
    ['a transfer', (amount) => post(TRANSFERS, movement({ amount }))],
    ['a leg', (amount) => post(TRANSFERS, { legs: [movement(), movement({ amount })] })],
    ['what is only tried', (amount) => post(TRANSFERS, { dry_run: true, ...movement({ amount }) })],
    ['a template', (total) => post(TRANSFERS, { type: 'sale', variables: { payer: own.alice, total } })],
    ['a reversal', (amount) => post(`${TRANSFERS}/${own.transfer}/reverse`, { amount })],
    ['a correction', (amount) => correction({ amount })],
    ['a hold', (amount) => post('/api/v1/holds', movement({ amount }))],
    ["a hold's posting", (amount) => post(`/api/v1/holds/${own.hold}/post`, { amount })],
    ['a conversion', (source_amount) => post('/api/v1/conversions', conversion({ source_amount }))],
    [
      'a bulk of transfers together',
      (amount) => post(`${TRANSFERS}/bulk`, { mode: 'atomic', transfers: [movement({ amount })] }),
    ],
  ];
  it.each(places)('of %s', async (_what, ask) => {
    await refuses(ask, WRONG, / 400 invalid_(request|json)$/);
    expect(told(await ask('0'))).toBe('422 amount_not_positive');
  });

  it.each<Place>([
    [
      'an overdraft limit',
      (overdraft_limit) => post('/api/v1/accounts', { asset: 'USD', overdraft: 'limited', overdraft_limit }),
    ],
    ['a bound', (balance_gte) => post(TRANSFERS, movement({ conditions: [{ account: own.alice, balance_gte }] }))],
    ['a rate', (numerator) => post('/api/v1/conversions', conversion({ rate: { numerator, denominator: '1' } }))],
  ])('of %s', async (what, ask) => {
    // A bound may lie below zero.
    await refuses(ask, WRONG.slice(what === 'a bound' ? 1 : 0), / 400 invalid_(request|json)$/);
  });

  it.each<Place>([
    ['a transfer', (asset) => post(TRANSFERS, movement({ asset }))],
    ['a hold', (asset) => post('/api/v1/holds', movement({ asset }))],
    ['a conversion', (source_asset) => post('/api/v1/conversions', conversion({ source_asset }))],
    ['a correction', (asset) => correction({ asset })],
    ['an account', (asset) => post('/api/v1/accounts', { asset })],
  ])('in an asset that is unknown, lower case, retired or none, of %s', async (_what, ask) => {
    await refuses(ask, ['XXX', 'usd', 'DEM', 'US D', 'UＳD'], / 422 asset_unknown$/);
    await refuses(ask, ['', 'U'.repeat(13), 840, null, ['USD']], / 400 invalid_request$/);
  });
});

describe('a time', () => {
  const WRONG = [
    ...[
      '2026-02-30T00:00:00Z',
      '2025-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-01T25:00:00Z',
      '2026-01-01T00:61:00Z',
    ],
    ...['275761-01-01T00:00:00Z', '+275761-01-01T00:00:00Z', '0000-01-01T00:00:00Z', '-000001-01-01T00:00:00Z'],
    ...[
      '2026-01-01T00:00:00',
      '2026-01-01',
      '2026-01-01 00:00:00Z',
      '2026-01-01T00:00:00+99:00',
      '',
      'now',
      'infinity',
    ],
  ];
  it.each<Place>([
    ['of a transfer', (effective_at) => post(TRANSFERS, movement({ effective_at }))],
    ['of a group', (effective_at) => post(TRANSFERS, { legs: [movement()], effective_at })],
    ['of what is only tried', (effective_at) => post(TRANSFERS, { dry_run: true, ...movement({ effective_at }) })],
    [
      'of a template',
      (effective_at) => post(TRANSFERS, { type: 'sale', variables: { payer: own.alice, total: '1' }, effective_at }),
    ],
    ['of a correction', (effective_at) => correction({ effective_at })],
    [
      'of a bulk',
      (effective_at) => post(`${TRANSFERS}/bulk`, { mode: 'atomic', transfers: [movement()], effective_at }),
    ],
    ["of a hold's end", (expires_at) => post('/api/v1/holds', movement({ expires_at }))],
  ])('%s', async (what, ask) => {
    await refuses(ask, [...WRONG, 1_700_000_000, null, {}], / 400 invalid_request$/);
    const isEnd = what === "of a hold's end";
    const impossible = isEnd ? '2026-01-01T00:00:00Z' : new Date(Date.now() + 86_400_000).toISOString();
    expect(told(await ask(impossible))).toBe(isEnd ? '422 expires_at_past' : '422 effective_in_future');
  });

  it.each([
    ['a balance', (at: string) => `/api/v1/accounts/${own.alice}/balance?as_of=${at}`],
    ['a trial balance', (at: string) => `/api/v1/trial_balance?as_of=${at}`],
    ["a statement's beginning", (at: string) => `/api/v1/accounts/${own.alice}/statement?from=${at}`],
    ["a statement's end", (at: string) => `/api/v1/accounts/${own.alice}/statement?to=${at}`],
    ["an account's history", (at: string) => `/api/v1/accounts/${own.alice}/transfers?created[gte]=${at}`],
    ['a list of transfers', (at: string) => `${TRANSFERS}?created[lt]=${at}`],
    ['a list of conversions', (at: string) => `/api/v1/conversions?created[gt]=${at}`],
    ['a list of payments', (at: string) => `/api/v1/payments?created[lte]=${at}`],
  ])('of %s', async (_what, path) => {
    await refuses((at) => stage.client.get(path(encodeURIComponent(String(at)))), WRONG, / 400 invalid_parameter$/);
  });

  it('of a month', async () => {
    const wrong = ['2026-13', '2026-00', '2026-1', '202610', 'october', '2026-10-01', '%00', '２０２６-10'];
    for (const month of wrong) {
      const answers = [
        await post(`/api/v1/periods/${encodeURIComponent(month)}/close`, {}),
        await stage.client.get(`/api/v1/periods/${encodeURIComponent(month)}`),
      ];
      for (const answer of answers) expect(`${month} ${told(answer)}`).toMatch(/ 40[04] (invalid_\w+|not_found)$/);
    }
  });
});

describe('an id', () => {
  const wrong = (kind: IdKind) => [
    ...[
      '',
      'x',
      'nonsense',
      `${newId(kind)}0`,
      newId(kind).toUpperCase(),
      newId(kind).slice(0, -1),
      '\u0000',
      '../../etc',
    ],
    ...[newId(kind === 'hold' ? 'account' : 'hold'), fromUuid(kind, randomUUID()), 7, null, {}],
  ];
  it.each<[string, IdKind, Place[1]]>([
    ['a transfer', 'transfer', (id) => post(TRANSFERS, movement({ id }))],
    ['a leg', 'transfer', (id) => post(TRANSFERS, { legs: [movement({ id })] })],
    ['a group', 'group', (id) => post(TRANSFERS, { id, legs: [movement()] })],
    ['a template', 'group', (id) => post(TRANSFERS, { id, type: 'sale', variables: { payer: own.alice, total: '1' } })],
    ['a reversal', 'transfer', (id) => post(`${TRANSFERS}/${own.transfer}/reverse`, { id })],
    ['a correction', 'transfer', (id) => correction({ id, amount: '1' })],
    ['a hold', 'hold', (id) => post('/api/v1/holds', movement({ id }))],
    ["a hold's posting", 'transfer', (id) => post(`/api/v1/holds/${own.hold}/post`, { id })],
    ['a conversion', 'group', (id) => post('/api/v1/conversions', conversion({ id }))],
    ['a bulk', 'bulk', (id) => post(`${TRANSFERS}/bulk`, { id, mode: 'independent', transfers: [movement()] })],
    ['an account', 'account', (id) => post('/api/v1/accounts', { id, asset: 'USD' })],
    [
      'a payment',
      'payment',
      (id) => post('/api/v1/payments', { id, source: own.alice, destination: own.bob, amount: '1', asset: 'USD' }),
    ],
  ])('of %s', async (_what, kind, ask) => {
    await refuses(ask, wrong(kind), / 400 invalid_(request|json)$/);
  });
});

describe('a page', () => {
  it.each([
    ['transfers', () => TRANSFERS],
    ['holds', () => '/api/v1/holds'],
    ['conversions', () => '/api/v1/conversions'],
    ['payments', () => '/api/v1/payments'],
    ['transaction types', () => '/api/v1/transaction_types'],
    ['months', () => '/api/v1/periods'],
    ["an account's history", () => `/api/v1/accounts/${own.alice}/transfers`],
    ['a statement', () => `/api/v1/accounts/${own.alice}/statement`],
    ["an account's metadata", () => `/api/v1/accounts/${own.alice}/metadata_versions`],
    ["a transfer's metadata", () => `${TRANSFERS}/${own.transfer}/metadata_versions`],
    ["a bulk's results", () => `${TRANSFERS}/bulk/${newId('bulk')}/results`],
  ])('of %s', async (_what, path) => {
    const limits = ['-1', '0', '201', '1e9', 'abc', '', '1.5', '１'].map(
      (limit) => `limit=${encodeURIComponent(limit)}`,
    );
    const others = ['limit=1&limit=2', 'sort=;drop%20table%20transfers', 'offset=1', '__proto__=1', 'a[b][c][d]=1'];
    const many = Array.from({ length: 1_000 }, (_, at) => `p${at}=1`).join('&');
    const read = (query: unknown) => stage.client.get(`${path()}?${query as string}`);
    await refuses(read, [...limits, ...others, many, `a${'[a]'.repeat(1_000)}=1`], / 400 invalid_parameter$/);
    await refuses(
      read,
      ['cursor=x', `cursor=${'A'.repeat(100)}`, 'cursor=%00', 'cursor=../../etc'],
      / 4(00 cursor_invalid|04 not_found)$/,
    );
  });
});
