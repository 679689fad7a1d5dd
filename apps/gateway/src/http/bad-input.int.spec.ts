import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { fromUuid, newId } from '@payflow/contracts';
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
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, it } from 'vitest';
import { entities, migrations } from '../database/index.js';
import { countAllRows } from '../testing/all-rows.js';
import { Client, startGateway, type Answered } from '../testing/gateway-under-test.js';
import { House } from '../testing/house.js';

const broker = testBroker(uniqueSuffix());
let test: TestDatabase;
let db: Database;
let gateway: RunningService & { base: string };
let house: House;
let client: Client;
let alice: string;
let bob: string;
let euros: string;
let foreign: string;
/** Of those who ask. */
const KEYS = ['api_keys'];
let before: Readonly<Record<string, number>>;

beforeAll(async () => {
  [test] = await Promise.all([createTestDatabase('gateway', migrations), createTestTopics(broker)]);
  db = await openSpecPool(test.url, { entities });
  gateway = await startGateway({ databaseUrl: test.url, broker, redisUrl: testServers().redis });
  house = new House(db, broker);
  await house.start();
  client = await Client.of(db, gateway.base);
  [alice, bob, euros] = [await client.open(), await client.open(), await client.open('EUR')];
  foreign = await (await Client.of(db, gateway.base)).open();
});
afterAll(async () => {
  await gateway?.stop();
  await house?.stop();
  await db?.close();
  await test?.drop();
});
beforeEach(async () => {
  before = await countAllRows(db, KEYS);
});
// Whatever was refused has left no row and no message.
afterEach(async () => {
  expect(await countAllRows(db, KEYS)).toEqual(before);
});

const payment = (more: Record<string, unknown> = {}) => ({
  source: alice,
  destination: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const PAYMENTS = '/api/v1/payments';

function told({ status, body, headers }: Answered): string {
  if (status >= 400) expect(headers.get('content-type')).toMatch(/^application\/problem\+json/);
  if (status >= 400) expect(body).toMatchObject({ status, request_id: headers.get('request-id') });
  return `${status} ${(body['code'] as string | undefined) ?? ''}`.trim();
}

describe('bodies', () => {
  const cases: [what: string, body: () => string | Buffer | object, expected: string][] = [
    ['empty', () => '', '400 invalid_json'],
    ['truncated', () => JSON.stringify(payment()).slice(0, -1), '400 invalid_json'],
    ['over the limit', () => `{"a":"${'x'.repeat(300_000)}"}`, '413 payload_too_large'],
    [
      'invalid UTF-8',
      () => Buffer.concat([Buffer.from('{"reference":"'), Buffer.from([0xff]), Buffer.from('"}')]),
      '400 invalid_json',
    ],
    ['with a byte order mark', () => `\ufeff${JSON.stringify(payment())}`, '400 invalid_json'],
    ['an array', () => [], '400 invalid_request'],
    ['a string', () => '"x"', '400 invalid_request'],
    ['null', () => 'null', '400 invalid_request'],
    ['200,000 levels deep', () => '['.repeat(200_000), '400 invalid_json'],
    ['with a key twice', () => `{"amount":"1",${JSON.stringify(payment()).slice(1)}`, '400 invalid_json'],
    ['with `__proto__`', () => '{"__proto__":{"scopes":["accounts:admin"]}}', '400 invalid_json'],
    ['with `constructor`', () => payment({ constructor: 1 }), '400 invalid_request'],
    ['with an unknown field', () => payment({ sourc: 'x' }), '400 invalid_request'],
    [
      'with a lone surrogate',
      () => JSON.stringify(payment({ reference: 'PLACE' })).replace('PLACE', '\\ud800'),
      '400 invalid_json',
    ],
    ['with NUL', () => payment({ reference: 'a\0b' }), '400 invalid_json'],
    ['with a string of 1 MB', () => payment({ reference: 'x'.repeat(1_000_000) }), '413 payload_too_large'],
    ['with a string of 100 KB', () => payment({ reference: 'x'.repeat(100_000) }), '400 invalid_json'],
    ['with 100,000 items', () => payment({ metadata: Array.from({ length: 100_000 }, () => 1) }), '400 invalid_json'],
    [
      'with 51 metadata keys',
      () => payment({ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, at) => [`k${at}`, 'v'])) }),
      '400 invalid_request',
    ],
    ['with an operator for metadata', () => payment({ metadata: { $gt: 0 } }), '400 invalid_request'],
    ['with nested metadata', () => payment({ metadata: { a: { b: 'c' } } }), '400 invalid_request'],
    ['with null for a required field', () => payment({ amount: null }), '400 invalid_request'],
    ['without a required field', () => ({ source: alice }), '400 invalid_request'],
    ['with another method', () => payment({ method: { type: 'card' } }), '400 invalid_request'],
    ['with a reference of 256', () => payment({ reference: 'x'.repeat(256) }), '400 invalid_request'],
    ['with an empty reference', () => payment({ reference: '' }), '400 invalid_request'],
  ];
  it.each(cases)('%s', async (_what, body, expected) => {
    expect(told(await client.post(PAYMENTS, body()))).toBe(expected);
  });

  it('for accounts: unknown, wrong and null fields', async () => {
    const bodies: [object, string][] = [
      [{}, '400 invalid_request'],
      [{ asset: null }, '400 invalid_request'],
      [{ asset: 7 }, '400 invalid_request'],
      [{ asset: 'USD', constructor: 1 }, '400 invalid_request'],
      [{ asset: 'USD', overdraft: 'some' }, '400 invalid_request'],
      [{ asset: 'USD', path: 'a b' }, '400 invalid_request'],
      [{ asset: 'USD', path: '' }, '400 invalid_request'],
      [{ asset: 'USD', metadata: [] }, '400 invalid_request'],
      [{ asset: 'USD', metadata: { a: 1 } }, '400 invalid_request'],
      [{ asset: 'USD', id: bob.replace('acct', 'pay') }, '400 invalid_request'],
      [{ asset: 'usd' }, '422 asset_unknown'],
    ];
    for (const [body, expected] of bodies) expect(told(await client.post('/api/v1/accounts', body))).toBe(expected);
  });

  it('name what is wrong by pointer, and never repeat its value', async () => {
    const { body, text } = await client.post(PAYMENTS, payment({ amount: 12.5, secret: 'sk_test_hunter2' }));
    expect(body['errors']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ pointer: '/amount', code: 'wrong_type' }),
        expect.objectContaining({ pointer: '/secret', code: 'unknown' }),
      ]),
    );
    expect(text).not.toContain('hunter2');
  });
});

describe('money', () => {
  const amounts: [amount: unknown, expected: string][] = [
    ['0', '422 amount_not_positive'],
    ['-1', '400 invalid_request'],
    [0.1, '400 invalid_request'],
    [100, '400 invalid_request'],
    ['0.1', '400 invalid_request'],
    ['1e3', '400 invalid_request'],
    ['9223372036854775808', '400 invalid_request'],
    ['99999999999999999999', '400 invalid_request'],
    ['1,000', '400 invalid_request'],
    ['１００', '400 invalid_request'],
    ['١٠٠', '400 invalid_request'],
    [' 12 ', '400 invalid_request'],
    ['12\n', '400 invalid_request'],
    ['', '400 invalid_request'],
    ['0x10', '400 invalid_request'],
    ['007', '400 invalid_request'],
    [{ value: '1' }, '400 invalid_request'],
    [['1'], '400 invalid_request'],
    [true, '400 invalid_request'],
  ];
  it.each(amounts)('amount %j', async (amount, expected) => {
    expect(told(await client.post(PAYMENTS, payment({ amount })))).toBe(expected);
  });

  it.each([['XXX'], ['usd'], ['USDT'], ['DEM']])('asset %s', async (asset) => {
    expect(told(await client.post(PAYMENTS, payment({ asset })))).toBe('422 asset_unknown');
  });

  it.each([[''], ['U'.repeat(13)], [840]])('asset %j', async (asset) => {
    expect(told(await client.post(PAYMENTS, payment({ asset })))).toBe('400 invalid_request');
  });

  it('to itself, in another asset than the account, from and to nowhere', async () => {
    expect(told(await client.post(PAYMENTS, payment({ destination: alice })))).toBe('422 accounts_identical');
    expect(told(await client.post(PAYMENTS, payment({ asset: 'EUR' })))).toBe('422 assets_differ');
    expect(told(await client.post(PAYMENTS, payment({ destination: euros })))).toBe('422 assets_differ');
    expect(told(await client.post(PAYMENTS, payment({ source: newId('account') })))).toBe('422 account_not_found');
    expect(told(await client.post(PAYMENTS, payment({ destination: foreign })))).toBe('422 account_not_found');
  });
});

describe('identity', () => {
  it.each([
    ['nonsense'],
    ['pay_'],
    ['acct_01m7yg4jr5ezm9ym0cwhese7x1'],
    ['pay_81m7yg4jr5ezm9ym0cwhese7x1'],
    ['pay_01m7yg4jr5ezm9ym0cwhese7xI'],
    ['%00'],
    ['PAY_01m7yg4jr5ezm9ym0cwhese7x1'],
  ])('a malformed id (%s)', async (id) => {
    expect(told(await client.get(`${PAYMENTS}/${id}`))).toBe('400 invalid_id');
  });

  it('an id that is not there, and those of another tenant', async () => {
    expect(told(await client.get(`${PAYMENTS}/${newId('payment')}`))).toBe('404 not_found');
    expect(told(await client.get(`/api/v1/accounts/${foreign}`))).toBe('404 not_found');
  });

  it('an id in a body that is no id, or not ours to choose', async () => {
    expect(told(await client.post(PAYMENTS, payment({ source: 'acct_x' })))).toBe('400 invalid_request');
    expect(told(await client.post(PAYMENTS, payment({ id: newId('account') })))).toBe('400 invalid_request');
    const version4 = fromUuid('payment', randomUUID());
    expect(told(await client.post(PAYMENTS, payment({ id: version4 })))).toBe('400 invalid_request');
  });

  it('of test mode is not seen by a live key', async () => {
    const live = await client.withKey(db, ['accounts:read', 'payments:write'], true);
    expect(told(await live.get(`/api/v1/accounts/${alice}`))).toBe('404 not_found');
    expect(told(await live.post(PAYMENTS, payment()))).toBe('422 account_not_found');
  });
});

describe('credentials', () => {
  it.each([
    ['none', undefined],
    ['empty', ''],
    ['Basic', 'Basic c2s6'],
    ['an unknown key', `Bearer sk_test_${'x'.repeat(43)}`],
    ['a short key', 'Bearer sk_test_x'],
    ['a key with a blank', 'Bearer sk_test_ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'],
  ])('%s', async (_what, authorization) => {
    const answer = await fetch(`${gateway.base}${PAYMENTS}`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    const isCredential = authorization?.startsWith('Bearer ') ?? false;
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      isCredential ? 'Bearer error="invalid_token"' : 'Bearer',
    ]);
    const { detail } = (await answer.json()) as { detail: string };
    expect(detail).toMatch(isCredential ? /API key/ : /^Send `Authorization: Bearer`/);
  });

  it('without the scope', async () => {
    const reader = await client.withKey(db, ['payments:read']);
    expect(told(await reader.post(PAYMENTS, payment()))).toBe('403 forbidden');
    expect(told(await reader.get(`/api/v1/accounts/${alice}`))).toBe('403 forbidden');
    expect(told(await reader.get('/api/v1/monitoring/health'))).toBe('403 forbidden');
    const writer = await client.withKey(db, ['accounts:write']);
    expect(told(await writer.post('/api/v1/accounts', { asset: 'USD', overdraft: 'unbounded' }))).toBe('403 forbidden');
  });
});

describe('headers', () => {
  const cases: [what: string, headers: Record<string, string>, expected: string][] = [
    ['no Idempotency-Key', { 'idempotency-key': '' }, '400 idempotency_key_missing'],
    ['an Idempotency-Key of 256', { 'idempotency-key': 'k'.repeat(256) }, '400 idempotency_key_malformed'],
    ['an Idempotency-Key with a blank', { 'idempotency-key': 'a b' }, '400 idempotency_key_malformed'],
    ['an Idempotency-Key beyond ASCII', { 'idempotency-key': 'caf\u00e9' }, '400 idempotency_key_malformed'],
    ['form content', { 'content-type': 'application/x-www-form-urlencoded' }, '415 unsupported_media_type'],
    ['text', { 'content-type': 'text/plain' }, '415 unsupported_media_type'],
    ['JSON in another charset', { 'content-type': 'application/json; charset=utf-16' }, '415 unsupported_media_type'],
    ['a compressed body', { 'content-encoding': 'gzip' }, '415 unsupported_media_type'],
    ['Prefer: wait=11', { prefer: 'wait=11' }, '400 invalid_header'],
    ['Prefer: wait=-1', { prefer: 'wait=-1' }, '400 invalid_header'],
    ['Prefer: wait=abc', { prefer: 'wait=abc' }, '400 invalid_header'],
    ['Prefer: wait twice', { prefer: 'wait=1, wait=2' }, '400 invalid_header'],
    ['an unknown version', { 'payflow-version': '1999-01-01' }, '400 invalid_header'],
    ['headers over 16 KiB', { 'x-large': 'x'.repeat(20_000) }, '431 headers_too_large'],
    [
      '200 headers',
      Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`x-${at}`, '1'])),
      '431 headers_too_large',
    ],
  ];
  it.each(cases)('%s', async (_what, headers, expected) => {
    const { status, body } = await client.post(PAYMENTS, payment(), headers);
    expect(`${status} ${body['code'] as string}`).toBe(expected);
  });

  it('a gzip bomb is refused unread', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(told(await client.post(PAYMENTS, bomb, { 'content-encoding': 'gzip' }))).toBe('415 unsupported_media_type');
  });

  it('a spoofed Host or X-Forwarded-For changes nothing', async () => {
    const answer = await client.get(`/api/v1/accounts/${alice}`, {
      'x-forwarded-for': '6.6.6.6',
      'x-forwarded-host': 'evil.example',
      'x-http-method-override': 'DELETE',
    });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('evil');
  });
});

describe('queries', () => {
  const queries = [
    'limit=-1',
    'limit=0',
    'limit=201',
    'limit=1e9',
    'limit=abc',
    'limit=1&limit=2',
    'status=done',
    'status=pending&status=failed',
    'sort=;drop table',
    'source=acct_x',
    'source=%00',
    'asset=XXX',
    'reference=',
    'created=2026-01-01',
    'created[gte]=2026-02-30T00:00:00Z',
    'created[gte]=2026-01-01T00:00:00',
    'created[gte]=2026-01-01T25:00:00Z',
    'created[lt]=%2B275761-01-01T00:00:00Z',
    'created[eq]=2026-01-01T00:00:00Z',
    '__proto__=1',
    'constructor=1',
    'x'.repeat(5_000),
    Array.from({ length: 1_000 }, (_, at) => `a[${at}]=1`).join('&'),
    Array.from({ length: 1_000 }, () => 'status=failed').join('&'),
    `metadata${'[a]'.repeat(1_000)}=1`,
    `created${'[gte]'.repeat(1_000)}=2026-01-01T00:00:00Z`,
  ];
  it.each(queries.map((query) => [query.slice(0, 40), query]))('?%s', async (_shown, query) => {
    expect(told(await client.get(`${PAYMENTS}?${query}`))).toBe('400 invalid_parameter');
  });

  it.each([[''], ['nonsense'], ['A'.repeat(100)], ['A'.repeat(10_000)], ['../../etc'], ['%00']])(
    'cursor=%.20s',
    async (cursor) => {
      expect(told(await client.get(`${PAYMENTS}?cursor=${cursor}`))).toBe('400 cursor_invalid');
    },
  );

  it('parameters where none are known', async () => {
    expect(told(await client.get(`/api/v1/accounts/${alice}?expand=x`))).toBe('400 invalid_parameter');
    expect(told(await client.post(`${PAYMENTS}?dry=1`, payment()))).toBe('400 invalid_parameter');
  });
});

describe('paths and methods', () => {
  it('that are not there', async () => {
    for (const path of [
      '/api',
      '/api/v1',
      '/api/v2/payments',
      '//api/v1/payments',
      '/api/v1//payments',
      '/api/v1/payments/',
      '/API/v1/payments',
      '/.env',
    ]) {
      const answer = await client.get(path);
      expect(answer.body['instance']).toBe(path);
      expect(`${path} ${told(answer)}`).toBe(`${path} 404 not_found`);
    }
  });

  it.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS'])('%s is answered 405 with what is allowed', async (method) => {
    const answer = await client.send(method, PAYMENTS, undefined, {});
    expect([told(answer), answer.headers.get('allow')]).toEqual(['405 method_not_allowed', 'GET, HEAD, POST']);
  });

  it('HEAD answers as GET, without a body', async () => {
    for (const path of [`/api/v1/accounts/${alice}`, PAYMENTS, '/api/v1/assets', '/health', '/metrics']) {
      const [head, get] = [await client.send('HEAD', path, undefined, {}), await client.get(path)];
      expect([path, head.status, head.text, head.headers.get('etag')]).toEqual([
        path,
        get.status,
        '',
        get.headers.get('etag'),
      ]);
    }
  });
});
