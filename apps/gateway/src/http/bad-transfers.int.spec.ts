import { randomUUID } from 'node:crypto';
import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepBooks, type Books } from '../testing/books.js';
import { countAllRows } from '../testing/all-rows.js';
import { Client, type Answered } from '../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const HOLDS = '/api/v1/holds';
let stage: Stage;
let client: Client;
let alice: string;
let bob: string;
let before: Readonly<Record<string, number>>;
let own: Books;
/** Of a stranger. */
let foreign: Books;

beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
  own = await keepBooks(client);
  foreign = await keepBooks(await Client.of(stage.db, stage.gateway.base));
  ({ alice, bob } = own);
});
afterAll(() => stage?.close());
beforeEach(async () => {
  before = await countAllRows(stage.db);
});
// Whatever was refused has left no row and no message.
afterEach(async () => {
  expect(await countAllRows(stage.db)).toEqual(before);
});

const terms = (more: Record<string, unknown> = {}) => ({
  debit_account: alice,
  credit_account: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const group = (more: Record<string, unknown> = {}) => ({ legs: [terms(), terms(more)] });

function refusal(answer: Answered): string {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({ status: answer.status, request_id: answer.headers.get('request-id') });
  return told(answer);
}

type Body = () => string | Buffer | object;
type Case = [what: string, body: Body, expected: string];

const movements: [what: string, post: (more: Record<string, unknown>) => Promise<Answered>][] = [
  ['a transfer', (more) => client.post(TRANSFERS, terms(more))],
  ['a leg', (more) => client.post(TRANSFERS, group(more))],
  ['a hold', (more) => client.post(HOLDS, terms(more))],
];

describe.each(movements)('%s', (_what, post) => {
  it.each([
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
    [' 12 ', '400 invalid_request'],
    ['12\n', '400 invalid_request'],
    ['', '400 invalid_request'],
    ['007', '400 invalid_request'],
    [null, '400 invalid_request'],
    [['1'], '400 invalid_request'],
  ])('of the amount %j', async (amount, expected) => {
    expect(refusal(await post({ amount }))).toBe(expected);
  });

  it('in no asset, or in another than the accounts', async () => {
    expect(refusal(await post({ asset: 'XXX' }))).toBe('422 asset_unknown');
    expect(refusal(await post({ asset: '' }))).toBe('400 invalid_request');
    expect(refusal(await post({ asset: 'EUR' }))).toBe('422 assets_differ');
    expect(refusal(await post({ credit_account: own.euros }))).toBe('422 assets_differ');
  });

  it('to itself, from and to nowhere, and between others', async () => {
    expect(refusal(await post({ credit_account: alice }))).toBe('422 accounts_identical');
    expect(refusal(await post({ debit_account: newId('account') }))).toBe('422 account_not_found');
    expect(refusal(await post({ credit_account: foreign.alice }))).toBe('422 account_not_found');
    expect(refusal(await post({ debit_account: 'acct_x' }))).toBe('400 invalid_request');
    expect(refusal(await post({ debit_account: own.transfer }))).toBe('400 invalid_request');
  });

  it('with unknown fields, or without what it needs', async () => {
    expect(refusal(await post({ surprise: 1 }))).toBe('400 invalid_request');
    expect(refusal(await post({ constructor: 1 }))).toBe('400 invalid_request');
    expect(refusal(await post({ debit_account: undefined }))).toBe('400 invalid_request');
    expect(refusal(await post({ source: alice }))).toBe('400 invalid_request');
  });

  it('with an id that is no id, of another kind, or not the client’s to choose', async () => {
    for (const id of [
      'x',
      newId('payment'),
      fromUuid('transfer', randomUUID()),
      fromUuid('hold', randomUUID()),
      null,
      7,
    ])
      expect(refusal(await post({ id }))).toBe('400 invalid_request');
  });
});

describe('transfers', () => {
  const legs = (count: number) => Array.from({ length: count }, () => terms());
  const accounts = (count: number) => Array.from({ length: count }, () => newId('account'));
  const twice = newId('transfer');
  const cases: Case[] = [
    ['no legs', () => ({ legs: [] }), '400 invalid_request'],
    ['1,001 legs', () => ({ legs: legs(1_001) }), '400 invalid_json'],
    ['legs that are none', () => ({ legs: 7 }), '400 invalid_request'],
    ['legs beside a transfer of its own', () => ({ ...terms(), legs: legs(1) }), '400 invalid_request'],
    ['a leg with a condition', () => group({ conditions: [] }), '400 invalid_request'],
    ['two legs of one id', () => ({ legs: [terms({ id: twice }), terms({ id: twice })] }), '400 invalid_request'],
    ['a leg of an id that is taken', () => group({ id: own.transfer }), '422 id_reused'],
    ["a group's id on a transfer", () => terms({ id: newId('group') }), '400 invalid_request'],
    [
      'a group of one leg that has its UUID',
      () => ({ id: fromUuid('group', uuidOf('transfer', twice)), legs: [terms({ id: twice })] }),
      '400 invalid_request',
    ],
    ["a transfer's id on a group", () => ({ ...group(), id: newId('transfer') }), '400 invalid_request'],
    ['a group of a version 4', () => ({ ...group(), id: fromUuid('group', randomUUID()) }), '400 invalid_request'],
    [
      'more accounts than a group may touch',
      () => {
        const all = accounts(1_202);
        return {
          legs: all.slice(0, 601).map((debit_account, at) => terms({ debit_account, credit_account: all[at + 601] })),
        };
      },
      '422 group_too_large',
    ],
    ['up_to as a word', () => terms({ up_to: 'yes' }), '400 invalid_request'],
    [
      'tomorrow',
      () => terms({ effective_at: new Date(Date.now() + 86_400_000).toISOString() }),
      '422 effective_in_future',
    ],
    ['no day', () => terms({ effective_at: '2026-02-30T00:00:00Z' }), '400 invalid_request'],
    ['the year 0', () => terms({ effective_at: '0000-01-01T00:00:00Z' }), '400 invalid_request'],
    ['an instant without a zone', () => terms({ effective_at: '2026-01-01T00:00:00' }), '400 invalid_request'],
    ['an instant as a number', () => terms({ effective_at: 1_700_000_000 }), '400 invalid_request'],
    ['conditions that are none', () => terms({ conditions: {} }), '400 invalid_request'],
    ['a condition of nothing', () => terms({ conditions: [{ account: alice }] }), '400 invalid_request'],
    ['a condition of no account', () => terms({ conditions: [{ version: 1 }] }), '400 invalid_request'],
    [
      'a condition with more',
      () => terms({ conditions: [{ account: alice, version: 1, x: 1 }] }),
      '400 invalid_request',
    ],
    ['a version below zero', () => terms({ conditions: [{ account: alice, version: -1 }] }), '400 invalid_request'],
    [
      'a version beyond numbers',
      () => terms({ conditions: [{ account: alice, version: 2 ** 60 }] }),
      '400 invalid_request',
    ],
    ['a balance as a number', () => terms({ conditions: [{ account: alice, balance_gte: 1 }] }), '400 invalid_request'],
    ['a balance of -0', () => terms({ conditions: [{ account: alice, balance_gte: '-0' }] }), '400 invalid_request'],
    [
      'a balance beyond counting',
      () => terms({ conditions: [{ account: alice, balance_lte: '-9223372036854775808' }] }),
      '400 invalid_request',
    ],
    [
      'a condition on nobody',
      () => terms({ conditions: [{ account: newId('account'), version: 1 }] }),
      '422 account_not_found',
    ],
    [
      "a condition on another's",
      () => ({ ...group(), conditions: [{ account: foreign.alice, balance_gte: '0' }] }),
      '422 account_not_found',
    ],
    [
      '101 conditions',
      () => terms({ conditions: Array.from({ length: 101 }, () => ({ account: alice, version: 1 })) }),
      '400 invalid_request',
    ],
    ['nested metadata', () => terms({ metadata: { a: { b: 'c' } } }), '400 invalid_request'],
    ['metadata on a leg', () => group({ metadata: {} }), '400 invalid_request'],
    ['a key twice', () => `{"amount":"1",${JSON.stringify(terms()).slice(1)}`, '400 invalid_json'],
    ['an array', () => [], '400 invalid_request'],
    ['nothing', () => '', '400 invalid_json'],
    ['over the limit', () => `{"a":"${'x'.repeat(300_000)}"}`, '413 payload_too_large'],
  ];
  it.each(cases)('with %s', async (_what, body, expected) => {
    expect(refusal(await client.post(TRANSFERS, body()))).toBe(expected);
  });

  it('name the leg that is wrong, and not more than 50 of them', async () => {
    const one = await client.post(TRANSFERS, group({ amount: 1 }));
    expect(one.body['errors']).toMatchObject([{ pointer: '/legs/1/amount', code: 'wrong_type' }]);
    const same = await client.post(TRANSFERS, group({ credit_account: alice }));
    expect(same.body['errors']).toMatchObject([{ pointer: '/legs/1/credit_account', code: 'accounts_identical' }]);
    const unknown = await client.post(TRANSFERS, group({ credit_account: newId('account') }));
    expect(unknown.body['errors']).toMatchObject([{ pointer: '/legs/1/credit_account', code: 'account_not_found' }]);
    for (const wrong of [{ amount: 1 }, { credit_account: newId('account') }]) {
      const { body } = await client.post(TRANSFERS, { legs: Array.from({ length: 1_000 }, () => terms(wrong)) });
      expect(body['errors']).toHaveLength(50);
    }
  });
});

describe('more than its message could say', () => {
  // Within every limit of its own, and 75 kB in UTF-8.
  const metadata = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, '漢'.repeat(500)]));
  const requests: [what: string, send: () => Promise<Answered>][] = [
    [
      'a payment',
      () => client.post('/api/v1/payments', { source: alice, destination: bob, amount: '1', asset: 'USD', metadata }),
    ],
    ['an account', () => client.post('/api/v1/accounts', { asset: 'USD', metadata })],
    ['a change of an account', () => client.patch(`/api/v1/accounts/${alice}`, { metadata })],
    ['a transfer', () => client.post(TRANSFERS, terms({ metadata }))],
    ['a group', () => client.post(TRANSFERS, { ...group(), metadata })],
    ['a reversal', () => client.post(`${TRANSFERS}/${own.transfer}/reverse`, { metadata })],
  ];
  it.each(requests)('is refused as the metadata of %s', async (_what, send) => {
    expect(refusal(await send())).toBe('413 payload_too_large');
  });
});

describe('reversals', () => {
  const cases: Case[] = [
    ['of nothing', () => ({ amount: '0' }), '422 amount_not_positive'],
    ['of a number', () => ({ amount: 1 }), '400 invalid_request'],
    ['beyond counting', () => ({ amount: '9223372036854775808' }), '400 invalid_request'],
    ['with accounts of their own', () => ({ debit_account: alice }), '400 invalid_request'],
    ['with an id of another kind', () => ({ id: newId('group') }), '400 invalid_request'],
    ['with an id of version 4', () => ({ id: fromUuid('transfer', randomUUID()) }), '400 invalid_request'],
    ['with an id that is taken', () => ({ id: own.transfer }), '422 id_reused'],
    ['with metadata of numbers', () => ({ metadata: { a: 1 } }), '400 invalid_request'],
    ['as an array', () => [], '400 invalid_request'],
  ];
  it.each(cases)('%s', async (_what, body, expected) => {
    expect(refusal(await client.post(`${TRANSFERS}/${own.transfer}/reverse`, body()))).toBe(expected);
  });
});
