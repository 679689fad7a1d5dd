import { newId } from '@payflow/contracts';
import { checkInvariant } from '@payflow/invariants';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from '../../database/index.js';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const ASSETS = '/api/v1/assets';
const PATIENT = { prefer: 'wait=10' };
const points = { code: 'POINTS', scale: 0, name: 'Points' };
let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
});
afterAll(() => stage?.close());

const define = (body: object, headers: Record<string, string> = {}) =>
  stage.client.post(ASSETS, body, { ...PATIENT, ...headers });
const listed = async (client = stage.client) =>
  (await client.get(ASSETS)).body['data'] as Record<string, string | number | null>[];

describe('the assets of everybody', () => {
  it('are told with kind, scale and the date of the table', async () => {
    const all = await listed();
    const common = { object: 'asset', name: null, created_at: null };
    expect(all).toEqual(
      expect.arrayContaining([
        { ...common, code: 'JPY', scale: 0, kind: 'fiat', table_date: '2024-06-25' },
        { ...common, code: 'SOL', scale: 9, kind: 'crypto', table_date: null },
        { ...common, code: 'BTC', scale: 8, kind: 'crypto', table_date: null },
        { ...common, code: 'ETH', scale: 9, kind: 'crypto', table_date: null },
        { ...common, code: 'USDC', scale: 6, kind: 'crypto', table_date: null },
      ]),
    );
    const { status, headers, body } = await stage.client.get(`${ASSETS}/ETH`);
    expect([status, body]).toEqual([200, all.find(({ code }) => code === 'ETH')]);
    const unchanged = await stage.client.get(`${ASSETS}/ETH`, { 'if-none-match': headers.get('etag') ?? '' });
    expect(unchanged.status).toBe(304);
  });

  it.each(['eth', 'XXX', 'POINTZ', '%00', '%2F'])('do not include %s', async (code) => {
    expect(told(await stage.client.get(`${ASSETS}/${code}`))).toBe('404 not_found');
  });
});

describe('a unit', () => {
  it('is answered 201 when it is defined, and is there at once', async () => {
    const { status, headers, body } = await define(points);
    expect([status, headers.get('location')]).toEqual([201, `${ASSETS}/POINTS`]);
    const created_at = expect.any(String) as unknown;
    expect(body).toEqual({ object: 'asset', ...points, kind: 'unit', table_date: null, created_at });
    expect((await stage.client.get(`${ASSETS}/POINTS`)).body).toEqual(body);
    expect((await listed()).at(-1)).toEqual(body);
  });

  it('is answered as it was defined first, whenever and under whatever key the same is asked for', async () => {
    const first = await define({ ...points, code: 'STAMPS' });
    const again = await define({ ...points, code: 'STAMPS' });
    expect([again.status, again.text]).toEqual([201, first.text]);
    const replayed = await define({ ...points, code: 'MILES' }, { 'idempotency-key': 'miles' });
    const copy = await define({ ...points, code: 'MILES' }, { 'idempotency-key': 'miles' });
    expect([copy.text, copy.headers.get('idempotency-replayed')]).toEqual([replayed.text, 'true']);
    expect(told(await define({ ...points, code: 'OTHER' }, { 'idempotency-key': 'miles' }))).toBe(
      '422 idempotency_key_reused',
    );
  });

  it('stays as it was defined', async () => {
    await define({ ...points, code: 'FIXED' });
    expect(told(await define({ ...points, code: 'FIXED', scale: 2 }))).toBe('409 asset_exists');
    expect(told(await define({ ...points, code: 'FIXED', name: 'points' }))).toBe('409 asset_exists');
    expect((await stage.client.get(`${ASSETS}/FIXED`)).body).toMatchObject({ ...points, code: 'FIXED' });
  });

  it('is nothing to another tenant, nor in the other mode', async () => {
    await define({ ...points, code: 'OURS' });
    const live = await stage.client.withKey(stage.db, ['accounts:read', 'accounts:write', 'accounts:admin'], true);
    expect(told(await live.get(`${ASSETS}/OURS`))).toBe('404 not_found');
    expect((await listed(live)).filter(({ kind }) => kind === 'unit')).toEqual([]);
    expect(told(await live.post('/api/v1/accounts', { asset: 'OURS' }))).toBe('422 asset_unknown');
    expect((await live.post(ASSETS, { ...points, code: 'OURS', scale: 3 }, PATIENT)).body['scale']).toBe(3);
  });

  it('can be kept, paid, held and listed in like any other asset', async () => {
    await define({ ...points, code: 'AIRTIME', scale: 1 });
    const [alice, bob] = [await stage.client.open('AIRTIME'), await stage.client.open('AIRTIME')];
    const movement = { debit_account: alice, credit_account: bob, amount: '15', asset: 'AIRTIME' };
    expect((await stage.client.post('/api/v1/transfers', movement)).status).toBe(201);
    expect((await stage.client.post('/api/v1/transfers', { legs: [movement, movement] })).status).toBe(201);
    expect((await stage.client.post('/api/v1/holds', movement)).status).toBe(201);
    const payment = { source: alice, destination: bob, amount: '15', asset: 'AIRTIME', method: { type: 'internal' } };
    expect((await stage.client.post('/api/v1/payments', payment)).status).toBe(201);
    expect((await stage.client.get('/api/v1/transfers?asset=AIRTIME')).body['data']).toHaveLength(3);
    expect(told(await stage.client.post('/api/v1/transfers', { ...movement, asset: 'USD' }))).toBe('422 assets_differ');
  });
});

describe('what is refused leaves nothing', () => {
  const nobody = () => ({ debit_account: newId('account'), credit_account: newId('account'), amount: '5' });

  it.each<[string, object, string, string?]>([
    ['no code', { scale: 0, name: 'x' }, '400 invalid_request', '/code'],
    ['no scale', { code: 'NEWCODE', name: 'x' }, '400 invalid_request', '/scale'],
    ['no name', { code: 'NEWCODE', scale: 0 }, '400 invalid_request', '/name'],
    ['an unknown field', { ...points, kind: 'fiat' }, '400 invalid_request', '/kind'],
    ['a code in lower case', { ...points, code: 'points' }, '400 invalid_request', '/code'],
    ['a code that begins with a digit', { ...points, code: '1POINT' }, '400 invalid_request', '/code'],
    ['a code that is too long', { ...points, code: 'ABCDEFGHIJKLM' }, '400 invalid_request', '/code'],
    ['a code of another script', { ...points, code: 'ＰＯＩＮＴＳ' }, '400 invalid_request', '/code'],
    ['a code that is a number', { ...points, code: 4711 }, '400 invalid_request', '/code'],
    ['a scale below zero', { ...points, scale: -1 }, '400 invalid_request', '/scale'],
    ['a scale that is too large', { ...points, scale: 13 }, '400 invalid_request', '/scale'],
    ['a broken scale', { ...points, scale: 1.5 }, '400 invalid_request', '/scale'],
    ['a scale in quotes', { ...points, scale: '2' }, '400 invalid_request', '/scale'],
    ['an empty name', { ...points, name: '' }, '400 invalid_request', '/name'],
    ['a name that is too long', { ...points, name: 'x'.repeat(101) }, '400 invalid_request', '/name'],
    ['a name of two lines', { ...points, name: 'a\nb' }, '400 invalid_request', '/name'],
    ['the code of a currency', { ...points, code: 'USD' }, '422 asset_reserved'],
    ['the code that a currency may get', { ...points, code: 'XYZ' }, '422 asset_reserved'],
    ['the code of a crypto asset', { ...points, code: 'USDC' }, '422 asset_reserved'],
    ['the code that is traded as one', { ...points, code: 'USDT' }, '422 asset_reserved'],
  ])('%s', async (_, body, expected, pointer) => {
    const before = await countRows(stage.db);
    const answer = await define(body);
    expect(told(answer)).toBe(expected);
    if (pointer) expect(answer.body['errors']).toEqual([expect.objectContaining({ pointer })]);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('no key, and a key without the scope', async () => {
    expect(told(await define(points, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
    const clerk = await stage.client.withKey(stage.db, ['accounts:write', 'accounts:read']);
    expect(told(await clerk.post(ASSETS, points))).toBe('403 forbidden');
    expect((await clerk.get(ASSETS)).status).toBe(200);
  });

  it.each<[string, string, () => object, string]>([
    ['an account', '/api/v1/accounts', () => ({ asset: 'NOSUCH' }), '/asset'],
    ['a transfer', '/api/v1/transfers', () => ({ ...nobody(), asset: 'NOSUCH' }), '/asset'],
    ['a leg', '/api/v1/transfers', () => ({ legs: [{ ...nobody(), asset: 'NOSUCH' }] }), '/legs/0/asset'],
    ['a hold', '/api/v1/holds', () => ({ ...nobody(), asset: 'NOSUCH' }), '/asset'],
    [
      'a payment',
      '/api/v1/payments',
      () => ({
        source: newId('account'),
        destination: newId('account'),
        amount: '5',
        asset: 'NOSUCH',
        method: { type: 'internal' },
      }),
      '/asset',
    ],
  ])('%s in a unit that is not defined', async (_, path, body, pointer) => {
    const before = await countRows(stage.db);
    const answer = await stage.client.post(path, body());
    expect([told(answer), answer.body['errors']]).toEqual([
      '422 asset_unknown',
      [expect.objectContaining({ pointer, code: 'asset_unknown' })],
    ]);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('an item of a bulk of any mode in a unit that is not defined', async () => {
    const [alice, bob] = [await stage.client.open('USD'), await stage.client.open('USD')];
    const transfer = { debit_account: alice, credit_account: bob, amount: '15', asset: 'USD' };
    const bulk = (mode: string) =>
      stage.client.post(
        '/api/v1/transfers/bulk',
        { mode, transfers: [transfer, { ...transfer, asset: 'NOSUCH' }] },
        { prefer: 'wait=10' },
      );
    const problem = (pointer: string) => ({ code: 'asset_unknown', errors: [{ pointer, code: 'asset_unknown' }] });
    for (const mode of ['independent', 'stop_on_first'])
      expect((await bulk(mode)).body['results']).toMatchObject([
        { status: 'posted', error: null },
        { status: 'invalid', error: problem('/asset') },
      ]);
    expect((await bulk('atomic')).body).toMatchObject({ status: 422, ...problem('/transfers/1/asset') });
  });
});

it('leaves the gateway with a message for every change, and a wait for all that has not ended', async () => {
  for (const each of invariants.filter(({ name }) => name === 'I11' || name === 'I18'))
    expect([each.name, (await checkInvariant(stage.db, each, 'full')).sample]).toEqual([each.name, []]);
});
