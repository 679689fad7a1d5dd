import { createHash } from 'node:crypto';
import { newId, uuidOf, type IdKind } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { pruneKeys } from '../../database/reply.repository.js';
import { keepBooks, type Books } from '../../testing/books.js';
import { countRows, type Answered } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const COPIES = 50;
const KEEP_HASH = statement(
  'spec.keep-hash',
  'update idempotency_records set content_hash = $1 where resource_id = $2 and content_hash is not null',
);
const PATIENT = { prefer: 'wait=10' };
let stage: Stage;
let own: Books;
let pauper: string;
let pounds: string;

beforeAll(async () => {
  stage = await openStage();
  own = await keepBooks(stage.client);
  [pauper, pounds] = [await stage.client.open(), await stage.client.open('EUR')];
  stage.house.empty.add(pauper);
  const type = {
    id: 'sale',
    debit: [{ kind: 'liability' }],
    credit: [{ kind: 'liability' }],
    template: template('USD'),
  };
  expect(told(await stage.client.post('/api/v1/transaction_types', type))).toBe('201');
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const template = (asset: string) => ({
  variables: { payer: 'account', shop: 'account', total: 'amount' },
  legs: [{ debit_account: '$payer', credit_account: '$shop', asset, of: '$total', remaining: true }],
});
const movement = <T extends object>(more: T = {} as T) => ({
  debit_account: own.alice,
  credit_account: own.bob,
  amount: '7',
  asset: 'USD',
  ...more,
});
const conversion = (more: object = {}) => ({
  source: own.alice,
  source_liquidity: own.bob,
  destination_liquidity: own.euros,
  destination: pounds,
  source_asset: 'USD',
  destination_asset: 'EUR',
  source_amount: '100',
  rate: { numerator: '9', denominator: '10' },
  ...more,
});
const variables = (total: string) => ({ payer: own.alice, shop: own.bob, total });

/** A create, what is asked for under an id, and something else. */
interface Create {
  readonly what: string;
  readonly kind: IdKind;
  readonly path: () => string;
  readonly body: (id: string) => object;
  readonly other: (id: string) => object;
  readonly status?: number;
}

const CREATES: readonly Create[] = [
  {
    what: 'a payment',
    kind: 'payment',
    path: () => '/api/v1/payments',
    body: (id) => ({
      id,
      source: own.alice,
      destination: own.bob,
      amount: '7',
      asset: 'USD',
      metadata: { b: '1', a: '2' },
    }),
    other: (id) => ({ id, source: own.alice, destination: own.bob, amount: '7', asset: 'USD' }),
  },
  {
    what: 'an account',
    kind: 'account',
    path: () => '/api/v1/accounts',
    body: (id) => ({ id, asset: 'USD', path: `of:${id}` }),
    other: (id) => ({ id, asset: 'EUR', path: `of:${id}` }),
  },
  {
    what: 'a transfer',
    kind: 'transfer',
    path: () => '/api/v1/transfers',
    body: (id) => movement({ id, metadata: { b: '1', a: '2' } }),
    other: (id) => movement({ id, amount: '8' }),
  },
  {
    what: 'a transfer that is refused',
    kind: 'transfer',
    path: () => '/api/v1/transfers',
    body: (id) => movement({ id, debit_account: pauper }),
    other: (id) => movement({ id }),
    status: 402,
  },
  {
    what: 'a group',
    kind: 'group',
    path: () => '/api/v1/transfers',
    body: (id) => ({ id, legs: [movement(), movement({ amount: '8' })] }),
    other: (id) => ({ id, legs: [movement(), movement({ amount: '9' })] }),
  },
  {
    what: 'a group by the id of a leg',
    kind: 'transfer',
    path: () => '/api/v1/transfers',
    body: (id) => ({ legs: [movement(), movement({ id, amount: '8' })] }),
    other: (id) => ({ legs: [movement({ id }), movement({ amount: '8' })] }),
  },
  {
    what: 'what a template comes to',
    kind: 'group',
    path: () => '/api/v1/transfers',
    body: (id) => ({ id, type: 'sale', variables: variables('9') }),
    other: (id) => ({ id, type: 'sale', variables: variables('10') }),
  },
  {
    what: 'a conversion',
    kind: 'group',
    path: () => '/api/v1/conversions',
    body: (id) => conversion({ id }),
    other: (id) => conversion({ id, rate: { numerator: '8', denominator: '10' } }),
  },
  {
    what: 'a hold',
    kind: 'hold',
    path: () => '/api/v1/holds',
    body: (id) => movement({ id, expires_at: '2100-01-01T00:00:00Z' }),
    other: (id) => movement({ id }),
  },
  {
    what: "a hold's posting",
    kind: 'transfer',
    path: () => `/api/v1/holds/${own.hold}/post`,
    body: (id) => ({ id, amount: '1', final: false }),
    other: (id) => ({ id, amount: '2', final: false }),
    status: 200,
  },
  {
    what: 'a reversal',
    kind: 'transfer',
    path: () => `/api/v1/transfers/${own.transfer}/reverse`,
    body: (id) => ({ id, amount: '1' }),
    other: (id) => ({ id, amount: '2' }),
  },
  {
    what: 'a bulk',
    kind: 'bulk',
    path: () => '/api/v1/transfers/bulk',
    body: (id) => ({ id, mode: 'independent', transfers: [movement(), movement({ amount: '0' })] }),
    other: (id) => ({ id, mode: 'independent', transfers: [movement()] }),
    status: 200,
  },
  {
    what: 'a bulk whose transfers belong together',
    kind: 'bulk',
    path: () => '/api/v1/transfers/bulk',
    body: (id) => ({ id, mode: 'atomic', transfers: [movement({ id: `tr_${id.slice(5)}` })] }),
    other: (id) => ({ id, mode: 'stop_on_first', transfers: [movement()] }),
    status: 200,
  },
];

const post = ({ path }: Create, body: object, headers: Record<string, string> = {}) =>
  stage.client.postUntilTaken(path(), body, { ...PATIENT, ...headers });
const answer = ({ status, text }: Answered) => ({ status, text });

describe.each(CREATES)('an id of the client: $what', (create) => {
  const status = create.status ?? 201;

  it('means the same for ever: the first answer under another key, byte for byte', async () => {
    const id = newId(create.kind);
    const first = await post(create, create.body(id));
    expect(first.status).toBe(status);
    const before = await countRows(stage.db);
    const key = { 'idempotency-key': newId('event') };
    for (const headers of [key, key, {}]) {
      const again = await post(create, create.body(id), headers);
      expect(answer(again)).toEqual(answer(first));
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.headers.get('location')).toBe(first.headers.get('location'));
    }
    // Two keys more, and nothing else.
    expect(await countRows(stage.db)).toEqual({ ...before, keys: before.keys + 2 });
    expect(told(await post(create, create.other(id), key))).toBe('422 idempotency_key_reused');
  });

  it('means nothing else: other content is refused and leaves nothing', async () => {
    const id = newId(create.kind);
    expect((await post(create, create.body(id))).status).toBe(status);
    const before = await countRows(stage.db);
    expect(told(await post(create, create.other(id)))).toBe('422 id_reused');
    expect(await countRows(stage.db)).toEqual(before);
  });

  it(`has one effect and one answer when ${COPIES} ask at once, each with a key of its own`, async () => {
    const id = newId(create.kind);
    const before = await countRows(stage.db);
    const answers = await Promise.all(Array.from({ length: COPIES }, () => post(create, create.body(id))));
    expect(new Set(answers.map(({ status: each, text }) => `${each} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(status);
    expect(answers.filter(({ headers }) => headers.get('idempotency-replayed') === null)).toHaveLength(1);
    const after = await countRows(stage.db);
    expect({ keys: after.keys, messages: after.messages }).toEqual({
      keys: before.keys + COPIES,
      messages: before.messages + 1,
    });
  });
});

describe('an id of the client', () => {
  const transfers = CREATES.find(({ what }) => what === 'a transfer') as Create;

  it('means one correction', async () => {
    const original = (await post(transfers, movement())).body['id'] as string;
    const correct = (body: object) => stage.client.post(`/api/v1/transfers/${original}/correct`, body, PATIENT);
    const id = newId('transfer');
    const first = await correct({ id, amount: '6', metadata: { why: 'typo' } });
    expect(told(first)).toBe('201');
    expect(answer(await correct({ id, metadata: { why: 'typo' }, amount: '6' }))).toEqual(answer(first));
    expect(told(await correct({ id, amount: '5' }))).toBe('422 id_reused');
  });

  it('is answered 202 while the first is on its way, and nothing more is sent', async () => {
    stage.house.answering = false;
    const body = movement({ id: newId('transfer') });
    const answers = [];
    for (let copy = 0; copy < 2; copy++)
      answers.push(await stage.client.post(transfers.path(), body, { prefer: 'wait=0' }));
    expect(answers.map(told)).toEqual(['202', '202']);
    expect(answers[0]?.body['id']).toBe(answers[1]?.body['id']);
    stage.house.answering = true;
    await until('nothing is pending', async () => (await countRows(stage.db)).pending === 0);
  });

  it('of a copy with the same key that joins the first while that is on its way is told as replayed', async () => {
    stage.house.answering = false;
    const body = movement({ id: newId('transfer') });
    const key = { 'idempotency-key': newId('event') };
    const ask = (prefer: string) => stage.client.post(transfers.path(), body, { ...key, prefer });
    expect(told(await ask('wait=0'))).toBe('202');
    const copy = ask('wait=10');
    // Copies are taken one after the other: when these have been, that one waits.
    for (let later = 0; later < 2; later++) expect(told(await ask('wait=0'))).toBe('202');
    stage.house.answering = true;
    const { status, headers } = await copy;
    expect([status, headers.get('idempotency-replayed')]).toEqual([201, 'true']);
  });

  it('is known after its key has been forgotten', async () => {
    const [id, key] = [newId('transfer'), { 'idempotency-key': newId('event') }];
    const [first, nameless] = [await post(transfers, movement({ id }), key), await post(transfers, movement())];
    expect(await pruneKeys(stage.db, { days: 0, limit: 10_000, since: '-infinity' })).toBeGreaterThan(0);
    expect(nameless.status).toBe(201);
    for (const headers of [key, {}])
      expect(answer(await post(transfers, movement({ id }), headers))).toEqual(answer(first));
  });

  it("gets a template's first answer, whatever the template is by now", async () => {
    const body = { id: newId('group'), type: 'sale', variables: variables('11') };
    const first = await stage.client.post('/api/v1/transfers', body, PATIENT);
    expect(told(first)).toBe('201');
    const type = { id: 'sale', debit: [{ kind: 'liability' }], credit: [{ kind: 'liability' }] };
    expect(told(await stage.client.post('/api/v1/transaction_types', { ...type, template: template('EUR') }))).toBe(
      '201',
    );
    expect(answer(await stage.client.post('/api/v1/transfers', body, PATIENT))).toEqual(answer(first));
    expect(told(await stage.client.post('/api/v1/transaction_types', { ...type, template: template('USD') }))).toBe(
      '201',
    );
  });

  it('gets the first answer of a hold that could not be placed any more', async () => {
    const body = movement({ id: newId('hold'), expires_at: new Date(Date.now() + 1_500).toISOString() });
    const first = await stage.client.post('/api/v1/holds', body, PATIENT);
    expect(told(first)).toBe('201');
    const isOver = async () =>
      told(await stage.client.post('/api/v1/holds', movement({ expires_at: body.expires_at })));
    await until('its time is over', async () => (await isOver()) === '422 expires_at_past');
    expect(answer(await stage.client.post('/api/v1/holds', body, PATIENT))).toEqual(answer(first));
  });

  describe('of a bulk', () => {
    const bulk = (id: string, terms: object) =>
      stage.client.post('/api/v1/transfers/bulk', { id, mode: 'atomic', transfers: [movement()], ...terms }, PATIENT);
    const since = '2026-11-02T10:00:00.000Z';
    const given = () => ({ account: own.alice, balance_gte: '-5' });
    const reordered = () => ({ balance_gte: '-5', account: own.alice });

    it.each<[string, () => object, () => object]>([
      ['left out', () => ({}), () => ({ conditions: [], metadata: {} })],
      ['an instant', () => ({ effective_at: since }), () => ({ effective_at: '2026-11-02T11:00:00+01:00' })],
      ['members in another order', () => ({ conditions: [given()] }), () => ({ conditions: [reordered()] })],
    ])('means the same however its terms are spelled: %s', async (_, terms, others) => {
      const id = newId('bulk');
      const first = await bulk(id, terms());
      expect(told(first)).toBe('200');
      expect(answer(await bulk(id, others()))).toEqual(answer(first));
      expect(told(await bulk(id, { ...terms(), metadata: { a: 'b' } }))).toBe('422 id_reused');
      expect(told(await bulk(id, { effective_at: '2026-11-02T10:00:00.001Z' }))).toBe('422 id_reused');
      expect(told(await bulk(id, { conditions: [{ ...given(), balance_gte: '-6' }] }))).toBe('422 id_reused');
    });

    // Hashes are kept for ever, and were once taken of the terms as they were written.
    it.each<[string, () => { conditions?: object[]; effective_at?: string }]>([
      ['no terms', () => ({})],
      ['terms', () => ({ conditions: [reordered()], effective_at: '2026-11-02T11:00:00+01:00' })],
    ])('that was kept when spelling counted is known by the same spelling: %s', async (_, terms) => {
      const id = newId('bulk');
      const first = await bulk(id, terms());
      expect(told(first)).toBe('200');
      const { conditions, effective_at } = terms();
      const written = `${JSON.stringify(['atomic', conditions, effective_at, []])}\n${JSON.stringify(movement())}`;
      const asKept = [createHash('sha256').update(written).digest(), uuidOf('bulk', id)];
      expect(await stage.db.transaction((tx) => tx.count(KEEP_HASH, asKept))).toBe(1);
      expect(answer(await bulk(id, terms()))).toEqual(answer(first));
      expect(told(await bulk(id, { ...terms(), metadata: { a: 'b' } }))).toBe('422 id_reused');
    });
  });

  it.each([
    ['a bulk and then alone', true],
    ['alone and then in a bulk', false],
  ])('means one transfer in %s', async (_, isBulkFirst) => {
    const body = movement({ id: newId('transfer'), metadata: { of: 'both' } });
    const bulk = () => stage.client.post('/api/v1/transfers/bulk', { mode: 'independent', transfers: [body] }, PATIENT);
    const alone = () => stage.client.post('/api/v1/transfers', body, PATIENT);
    const first = isBulkFirst ? await bulk() : await alone();
    const before = await countRows(stage.db);
    const second = isBulkFirst ? await alone() : await bulk();
    expect([first.status, second.status]).toEqual(isBulkFirst ? [200, 201] : [201, 200]);
    const [item] = (isBulkFirst ? first : second).body['results'] as Record<string, unknown>[];
    expect(item).toMatchObject({ id: body.id, status: 'posted', error: null });
    const { transfers: rows, messages } = await countRows(stage.db);
    expect({ transfers: rows, messages }).toEqual({ transfers: before.transfers, messages: before.messages });
    const other = await stage.client.post('/api/v1/transfers', { ...body, amount: '1' }, PATIENT);
    expect(told(other)).toBe('422 id_reused');
  });

  it('of a transfer that a bulk made: the key of who asks for it alone stands for that, and for nothing else', async () => {
    const body = movement({ id: newId('transfer') });
    await stage.client.post('/api/v1/transfers/bulk', { mode: 'independent', transfers: [body] }, PATIENT);
    const before = await countRows(stage.db);
    const key = { 'idempotency-key': newId('event'), ...PATIENT };
    const alone = (more: object = {}, headers = key) =>
      stage.client.post(transfers.path(), { ...body, ...more }, headers);
    for (const headers of [key, key, { ...key, 'idempotency-key': newId('event') }]) {
      const again = await alone({}, headers);
      expect([again.status, again.body['id'], again.headers.get('idempotency-replayed')]).toEqual([
        201,
        body.id,
        'true',
      ]);
    }
    expect(told(await alone({ id: newId('transfer') }))).toBe('422 idempotency_key_reused');
    expect(told(await stage.client.post('/api/v1/accounts', { asset: 'USD' }, key))).toBe('422 idempotency_key_reused');
    expect(await countRows(stage.db)).toEqual({ ...before, keys: before.keys + 2 });
    expect(await pruneKeys(stage.db, { days: 0, limit: 10_000, since: '-infinity' })).toBeGreaterThan(1);
    expect(told(await alone({ id: newId('transfer') }))).toBe('201');
  });
});
