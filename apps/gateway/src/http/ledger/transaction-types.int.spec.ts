import { randomUUID } from 'node:crypto';
import { newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const TYPES = '/api/v1/transaction_types';
const TRANSFERS = '/api/v1/transfers';
const WAIT = { prefer: 'wait=10' };
let stage: Stage;
let client: Client;
let wallet: string;
let shop: string;
let fees: string;
let euros: string;
beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
  [wallet = '', shop = '', fees = ''] = await Promise.all([client.open(), client.open(), client.open()]);
  euros = await client.open('EUR');
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const define = (id: string, more: object = {}, headers: Record<string, string> = {}) =>
  client.post(TYPES, { id, ...more }, { ...WAIT, ...headers });
const part = (more: object) => ({
  debit_account: '$wallet',
  credit_account: '$shop',
  asset: 'USD',
  of: '$total',
  ...more,
});
const capture = (portion: string) => ({
  template: {
    variables: { wallet: 'account', shop: 'account', total: 'amount' },
    legs: [part({ credit_account: fees, portion }), part({ remaining: true })],
  },
});
const from = (type: string, variables: object, more: object = {}, headers: Record<string, string> = {}) =>
  client.post(TRANSFERS, { type, variables, ...more }, { ...WAIT, ...headers });
const amountsOf = (body: Record<string, unknown>) =>
  (body['transfers'] as { amount: string; type: string }[]).map(({ amount, type }) => `${type} ${amount}`);

describe('a transaction type', () => {
  it('is made, goes on by versions, and is read as it is in force', async () => {
    const made = await define('wallet_topup', { debit: [{ kind: 'asset' }], credit: [{ path: 'users:*:wallet' }] });
    expect([made.status, made.headers.get('location'), made.body]).toEqual([
      201,
      `${TYPES}/wallet_topup`,
      {
        id: 'wallet_topup',
        object: 'transaction_type',
        version: 1,
        debit: [{ path: null, kind: 'asset' }],
        credit: [{ path: 'users:*:wallet', kind: null }],
        template: null,
        defined_at: expect.any(String) as string,
      },
    ]);
    const one = await client.get(`${TYPES}/wallet_topup`);
    expect([one.text, one.headers.get('etag')]).toEqual([made.text, 'W/"1"']);
    expect((await define('wallet_topup', {}, { 'if-match': 'W/"1"' })).body).toMatchObject({ version: 2, debit: null });
    expect(told(await define('wallet_topup', {}, { 'if-match': 'W/"1"' }))).toBe('412 version_differs');
    const unchanged = await client.get(`${TYPES}/wallet_topup`, { 'if-none-match': 'W/"2"' });
    expect(unchanged.status).toBe(304);
  });

  it('is listed by its name, page by page, to its own tenant and mode', async () => {
    await define('a_fee');
    const first = await client.get(`${TYPES}?limit=1`);
    expect(first.body).toMatchObject({ data: [{ id: 'a_fee' }] });
    const rest = await client.get(`${TYPES}?cursor=${String(first.body['next_cursor'])}`);
    expect((rest.body['data'] as { id: string }[])[0]?.id).toBe('wallet_topup');
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect((await stranger.get(TYPES)).body).toEqual({ data: [], next_cursor: null });
    expect(told(await stranger.get(`${TYPES}/a_fee`))).toBe('404 not_found');
    expect(told(await stranger.get(`${TYPES}?cursor=${String(first.body['next_cursor'])}`))).toBe(
      '400 cursor_mismatch',
    );
    const live = await client.withKey(stage.db, ['transfers:read'], true);
    expect(told(await live.get(`${TYPES}/a_fee`))).toBe('404 not_found');
    expect(told(await client.get(`${TYPES}/A-Fee`))).toBe('404 not_found');
  });

  it('is named by transfers, which are shown and listed with it', async () => {
    const leg = { debit_account: wallet, credit_account: shop, amount: '5', asset: 'USD' };
    const single = await client.post(TRANSFERS, { ...leg, type: 'top_up' }, WAIT);
    expect([single.status, single.body['type']]).toEqual([201, 'top_up']);
    const group = await client.post(TRANSFERS, { type: 'top_up', legs: [leg, { ...leg, type: 'a_fee' }] }, WAIT);
    expect(amountsOf(group.body)).toEqual(['top_up 5', 'a_fee 5']);
    const { body } = await client.get(`${TRANSFERS}?type=top_up`);
    expect((body['data'] as unknown[]).length).toBe(2);
    expect((await client.post(TRANSFERS, leg, WAIT)).body['type']).toBe(null);
    const commands = stage.house.commands.flatMap(({ data }) => ('legs' in data ? data.legs : []));
    expect(commands.map((one) => ('type' in one ? one.type : 'none'))).toEqual(['top_up', 'top_up', 'a_fee', 'none']);
  });
});

describe('a template', () => {
  it('comes to a group of transfers of its type', async () => {
    await define('card_capture', capture('29/1000'));
    const id = newId('group');
    const made = await from('card_capture', { wallet, shop, total: '1999' }, { id, metadata: { order: '7' } });
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject({ id, object: 'transfer_group', status: 'posted', metadata: { order: '7' } });
    expect(amountsOf(made.body)).toEqual(['card_capture 58', 'card_capture 1941']);
    expect(made.headers.get('location')).toBe(`/api/v1/transfer_groups/${id}`);
    expect(amountsOf((await from('card_capture', { wallet, shop, total: '10' })).body)).toEqual(['card_capture 10']);
  });

  it('gives the first answer again, whatever it comes to by then', async () => {
    await define('changing', capture('1/10'));
    const key = { 'idempotency-key': randomUUID() };
    const first = await from('changing', { wallet, shop, total: '100' }, {}, key);
    expect(amountsOf(first.body)).toEqual(['changing 10', 'changing 90']);
    const other = {
      variables: { payer: 'account' },
      legs: [{ ...part({}), of: undefined, debit_account: '$payer', credit_account: fees, amount: '1' }],
    };
    expect((await define('changing', { template: other })).body).toMatchObject({ version: 2 });
    const again = await from('changing', { wallet, shop, total: '100' }, {}, key);
    expect([again.text, again.headers.get('idempotency-replayed')]).toEqual([first.text, 'true']);
    expect(told(await from('changing', { wallet, shop, total: '101' }, {}, key))).toBe('422 idempotency_key_reused');
    expect(told(await from('changing', { wallet, shop, total: '100' }))).toBe('400 invalid_request');
    expect(amountsOf((await from('changing', { payer: wallet })).body)).toEqual(['changing 1']);
  });

  it('is expanded once for 50 copies of a request, though it changes in between', async () => {
    await define('racing', capture('1/10'));
    const key = { 'idempotency-key': randomUUID() };
    const copies = Array.from({ length: 50 }, async (_, at) => {
      if (at % 10 === 9) await define('racing', capture(`${at}/100`));
      return from('racing', { wallet, shop, total: '100' }, {}, key);
    });
    const texts = (await Promise.all(copies)).map(({ text }) => text);
    expect(new Set(texts).size).toBe(1);
    const groups = stage.house.commands.filter(
      ({ data }) => 'legs' in data && data.legs.some(({ type }) => type === 'racing'),
    );
    expect(groups.length).toBe(1);
  });

  it('says where to look when the ledger takes its time, to each copy', async () => {
    await define('slow', capture('1/10'));
    stage.house.answering = false;
    const key = { prefer: 'wait=0', 'idempotency-key': randomUUID() };
    const [first, second] = [
      await from('slow', { wallet, shop, total: '100' }, {}, key),
      await from('slow', { wallet, shop, total: '100' }, {}, key),
    ];
    expect([first.status, second.status, second.text]).toEqual([202, 202, first.text]);
    expect(second.headers.get('location')).toBe(first.headers.get('location'));
    stage.house.answering = true;
    const last = await from('slow', { wallet, shop, total: '100' }, {}, { ...key, ...WAIT });
    expect([last.status, last.headers.get('location')]).toEqual([201, first.headers.get('location')]);
  });
});

describe('refused, without a row or a message', () => {
  const of = (...legs: object[]) => ({
    template: { variables: { wallet: 'account', shop: 'account', total: 'amount' }, legs },
  });
  const rest = part({ remaining: true });

  it.each([
    ['no name', {}, '400 invalid_request /id missing'],
    ['a name that is none', { id: 'Top-Up' }, '400 invalid_request /id malformed'],
    ['no accounts at all', { debit: [] }, '400 invalid_request /debit malformed'],
    ['a pattern of nothing', { debit: [{}] }, '400 invalid_request /debit/0 malformed'],
    ['a pattern with half a star', { credit: [{ path: 'users:4*' }] }, '400 invalid_request /credit/0/path malformed'],
    [
      'an open end in the middle',
      { credit: [{ path: 'users:**:wallet' }] },
      '400 invalid_request /credit/0/path malformed',
    ],
    ['an unknown kind', { credit: [{ kind: 'cash' }] }, '400 invalid_request /credit/0/kind malformed'],
    ['something unknown', { debits: [] }, '400 invalid_request /debits unknown'],
    ['no legs', of(), '400 invalid_request /template/legs malformed'],
    ['a number for an amount', of(part({ amount: 5 }), rest), '400 invalid_request /template/legs/0/amount wrong_type'],
    ['a percentage', of(part({ portion: '2.9%' }), rest), '400 invalid_request /template/legs/0/portion malformed'],
    ['a portion of zero', of(part({ portion: '0/5' }), rest), '400 invalid_request /template/legs/0/portion malformed'],
    ['a portion by zero', of(part({ portion: '1/0' }), rest), '400 invalid_request /template/legs/0/portion malformed'],
    ['a literal whole', of({ ...rest, of: '100' }), '400 invalid_request /template/legs/0/of malformed'],
    [
      'an undeclared variable',
      of(rest, part({ of: '$sum', remaining: true })),
      '400 invalid_request /template/legs/1/of variable_unknown',
    ],
    [
      'parts below the whole',
      of(part({ portion: '1/2' }), part({ portion: '1/3' })),
      '400 invalid_request /template/legs/0/of remainder_missing',
    ],
  ])('a type with %s', async (_what, more, expected) => {
    await refused(
      TYPES,
      { id: 'refused', ...('template' in more || Object.keys(more).length > 0 ? more : { id: undefined }) },
      expected,
    );
  });

  it('a type whose template names accounts that are not there, or kept in something else', async () => {
    const leg = (credit_account: string) => of({ ...rest, credit_account }, part({ of: undefined, amount: '$total' }));
    await refused(
      TYPES,
      { id: 'refused', ...leg(newId('account')) },
      '422 account_not_found /template/legs/0/credit_account account_not_found',
    );
    await refused(
      TYPES,
      { id: 'refused', ...leg(euros) },
      '422 assets_differ /template/legs/0/credit_account assets_differ',
    );
  });

  it('a type or a template with a unit that nobody has defined', async () => {
    const legs = [part({ of: undefined, amount: '$total', asset: 'NOBODYS' })];
    const variables = { wallet: 'account', shop: 'account', total: 'amount' };
    await refused(
      TYPES,
      { id: 'refused', template: { variables, legs } },
      '422 asset_unknown /template/legs/0/asset asset_unknown',
    );
    const any = { ...variables, unit: 'asset' };
    await define('in_any_asset', { template: { variables: any, legs: [{ ...legs[0], asset: '$unit' }] } });
    await refused(
      TRANSFERS,
      { type: 'in_any_asset', variables: given({ unit: 'NOBODYS' }) },
      '422 asset_unknown /variables/unit asset_unknown',
    );
  });

  const given = (more: object = {}) => ({ wallet, shop, total: '100', ...more });
  it.each([
    ['an unknown type', () => ['nothing', given()], '422 transaction_type_not_found /type transaction_type_not_found'],
    [
      'a type without one',
      () => ['plain', given()],
      '422 transaction_type_without_template /type transaction_type_without_template',
    ],
    ['a missing variable', () => ['refusing', { wallet, shop }], '400 invalid_request /variables/total missing'],
    ['an unknown variable', () => ['refusing', given({ tip: '1' })], '400 invalid_request /variables/tip unknown'],
    ['a number', () => ['refusing', given({ total: 100 })], '400 invalid_request /variables/total wrong_type'],
    ['a sign', () => ['refusing', given({ total: '-100' })], '400 invalid_request /variables/total malformed'],
    [
      'too much',
      () => ['refusing', given({ total: '9223372036854775808' })],
      '400 invalid_request /variables/total malformed',
    ],
    ['a path', () => ['refusing', given({ wallet: 'users:42' })], '400 invalid_request /variables/wallet malformed'],
    [
      'a strange name',
      () => ['refusing', given({ 'to/tal': '1' })],
      '400 invalid_request /variables/to~1tal malformed',
    ],
    ['nothing', () => ['refusing', given({ total: '0' })], '422 amount_not_positive /variables amount_not_positive'],
    [
      'one account',
      () => ['refusing', given({ shop: wallet })],
      '422 accounts_identical /variables/shop accounts_identical',
    ],
    [
      'an account that is not there',
      () => ['refusing', given({ shop: newId('account') })],
      '422 account_not_found /variables/shop account_not_found',
    ],
    [
      'an account in something else',
      () => ['refusing', given({ wallet: euros })],
      '422 assets_differ /variables/wallet assets_differ',
    ],
    [
      'parts above the whole',
      () => ['exceeding', given({ total: '4' })],
      '422 template_parts_exceed_whole /variables/total template_parts_exceed_whole',
    ],
  ] as const)('a template with %s', async (_what, request, expected) => {
    await define('plain');
    await define('refusing', capture('1/10'));
    await define('exceeding', of(part({ amount: '5' }), rest));
    const [type, variables] = request();
    await refused(TRANSFERS, { type, variables }, expected);
  });

  it.each([
    [{ type: 'refusing', variables: {}, legs: [] }, '400 invalid_request /legs unknown'],
    [{ variables: {} }, '400 invalid_request /type missing'],
    [{ type: 'Refusing', variables: {} }, '400 invalid_request /type malformed'],
    [{ type: 'refusing', variables: [] }, '400 invalid_request /variables wrong_type'],
    [{ type: 'refusing', variables: {}, effective_at: '2026-01-01' }, '400 invalid_request /variables/shop missing'],
  ])('a template in the shape of %j', async (body, expected) => {
    await define('refusing', capture('1/10'));
    await refused(TRANSFERS, body, expected);
  });

  it('a group of more types than one group may name', async () => {
    const leg = { debit_account: wallet, credit_account: shop, amount: '5', asset: 'USD' };
    const legs = Array.from({ length: 20 }, (_, at) => ({ ...leg, type: `type_${at}` }));
    await refused(TRANSFERS, { type: 'one_more', legs: [...legs, leg] }, '422 group_too_large undefined undefined');
    await refused(TRANSFERS, { legs: [{ ...leg, type: 'Top-Up' }] }, '400 invalid_request /legs/0/type malformed');
  });

  it('whoever may not', async () => {
    const writer = await client.withKey(stage.db, ['accounts:write', 'transfers:read', 'transfers:write']);
    expect(told(await writer.post(TYPES, { id: 'refused' }))).toBe('403 forbidden');
    expect(told(await client.post(TYPES, { id: 'refused' }, { 'if-match': '1' }))).toBe('400 invalid_header');
    expect(told(await client.get(`${TRANSFERS}?type=Top-Up`))).toBe('400 invalid_parameter');
  });

  async function refused(path: string, body: object, expected: string): Promise<void> {
    const before = await countRows(stage.db);
    const answer = await client.post(path, body, WAIT);
    const [first] = (answer.body['errors'] ?? []) as { pointer: string; code: string }[];
    expect(`${told(answer)} ${first?.pointer} ${first?.code}`).toBe(expected);
    expect(await countRows(stage.db)).toEqual(before);
  }
});

it('has a template whose leg moves as much as there is, and no part of another amount that does', async () => {
  const legs = [{ debit_account: '$wallet', credit_account: '$shop', asset: 'USD', amount: '$most', up_to: true }];
  const variables = { wallet: 'account', shop: 'account', most: 'amount' };
  const made = await define('sweep', { template: { variables, legs } });
  expect(made.body).toMatchObject({ template: { legs: [{ amount: '$most', up_to: true }] } });
  // The house moves half of what is asked for.
  const swept = await from('sweep', { wallet, shop, most: '100' });
  expect([swept.status, amountsOf(swept.body)]).toEqual([201, ['sweep 50']]);
  const refused = await define('sweep', {
    template: { variables: { ...variables, total: 'amount' }, legs: [part({ remaining: true, up_to: true })] },
  });
  expect(told(refused)).toBe('400 invalid_request');
  expect(refused.body['errors']).toContainEqual(
    expect.objectContaining({ pointer: '/template/legs/0/up_to', code: 'not_supported' }),
  );
});

it('takes a unit of the tenant for an asset, named by its template or by a variable', async () => {
  await client.post('/api/v1/assets', { code: 'MILES', scale: 0, name: 'Miles' }, WAIT);
  const [ours, theirs] = [await client.open('MILES'), await client.open('MILES')];
  const variables = { wallet: 'account', shop: 'account', total: 'amount' };
  const leg = part({ of: undefined, amount: '$total' });
  await define('miles', { template: { variables, legs: [{ ...leg, asset: 'MILES' }] } });
  await define('any', { template: { variables: { ...variables, unit: 'asset' }, legs: [{ ...leg, asset: '$unit' }] } });
  const given = { wallet: ours, shop: theirs, total: '5' };
  const answers = [await from('miles', given), await from('any', { ...given, unit: 'MILES' })];
  expect(answers.map(({ status, body }) => [status, ...amountsOf(body)])).toEqual([
    [201, 'miles 5'],
    [201, 'any 5'],
  ]);
});
