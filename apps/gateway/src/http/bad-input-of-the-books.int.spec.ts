import { randomUUID } from 'node:crypto';
import { fromUuid, newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Client, countRows, type Answered, type Counts } from '../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const GROUPS = '/api/v1/transfer_groups';
const HOLDS = '/api/v1/holds';
const ACCOUNTS = '/api/v1/accounts';
let stage: Stage;
let client: Client;
let stranger: Client;
let alice: string;
let bob: string;
let euros: string;
let before: Counts;
/** Of the stranger. */
let foreign: { account: string; transfer: string; group: string; hold: string };
let own: { transfer: string; hold: string };

beforeAll(async () => {
  stage = await openStage();
  client = stage.client;
  stranger = await Client.of(stage.db, stage.gateway.base);
  [alice, bob, euros] = [await client.open(), await client.open(), await client.open('EUR')];
  const made = async (by: Client, debit_account: string, credit_account: string) => {
    const terms = { debit_account, credit_account, amount: '100', asset: 'USD' };
    const group = (await by.post(TRANSFERS, { legs: [terms] })).body;
    const [transfer] = group['transfers'] as { id: string }[];
    const hold = (await by.post(HOLDS, terms)).body['id'] as string;
    return { account: debit_account, transfer: transfer?.id ?? '', group: group['id'] as string, hold };
  };
  own = await made(client, alice, bob);
  foreign = await made(stranger, await stranger.open(), await stranger.open());
});
afterAll(() => stage?.close());
beforeEach(async () => {
  before = await countRows(stage.db);
});
// Whatever was refused has left no row and no message.
afterEach(async () => {
  expect(await countRows(stage.db)).toEqual(before);
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
    expect(refusal(await post({ credit_account: euros }))).toBe('422 assets_differ');
  });

  it('to itself, from and to nowhere, and between others', async () => {
    expect(refusal(await post({ credit_account: alice }))).toBe('422 accounts_identical');
    expect(refusal(await post({ debit_account: newId('account') }))).toBe('422 account_not_found');
    expect(refusal(await post({ credit_account: foreign.account }))).toBe('422 account_not_found');
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
      () => ({ ...group(), conditions: [{ account: foreign.account, balance_gte: '0' }] }),
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
    ['as nothing', () => '', '400 invalid_json'],
  ];
  it.each(cases)('%s', async (_what, body, expected) => {
    expect(refusal(await client.post(`${TRANSFERS}/${own.transfer}/reverse`, body()))).toBe(expected);
  });
});

describe('holds', () => {
  const cases: Case[] = [
    ['over already', () => terms({ expires_at: '2026-01-01T00:00:00Z' }), '422 expires_at_past'],
    ['until no day', () => terms({ expires_at: '2999-02-29T00:00:00Z' }), '400 invalid_request'],
    ['until a number', () => terms({ expires_at: 4_000_000_000 }), '400 invalid_request'],
    ['until null', () => terms({ expires_at: null }), '400 invalid_request'],
    ['with metadata', () => terms({ metadata: {} }), '400 invalid_request'],
    ['for a payment', () => terms({ payment: newId('payment') }), '400 invalid_request'],
    ['of an id that is taken', () => terms({ id: own.hold }), '422 id_reused'],
  ];
  it.each(cases)('%s', async (_what, body, expected) => {
    expect(refusal(await client.post(HOLDS, body()))).toBe(expected);
  });

  const postings: Case[] = [
    ['nothing', () => ({ amount: '0' }), '422 amount_not_positive'],
    ['a number', () => ({ amount: 5 }), '400 invalid_request'],
    ['beyond counting', () => ({ amount: '9223372036854775808' }), '400 invalid_request'],
    ['final as a word', () => ({ final: 'true' }), '400 invalid_request'],
    ['in an asset', () => ({ amount: '1', asset: 'USD' }), '400 invalid_request'],
    ['an array', () => [], '400 invalid_request'],
  ];
  it.each(postings)('posted with %s', async (_what, body, expected) => {
    expect(refusal(await client.post(`${HOLDS}/${own.hold}/post`, body()))).toBe(expected);
  });

  it('voided with anything at all', async () => {
    for (const body of [{ amount: '1' }, { expired: true }, []])
      expect(refusal(await client.post(`${HOLDS}/${own.hold}/void`, body))).toBe('400 invalid_request');
    expect(refusal(await client.post(`${HOLDS}/${own.hold}/void`, ''))).toBe('400 invalid_json');
  });
});

describe('changes of an account', () => {
  const cases: Case[] = [
    ['nothing', () => ({}), '400 invalid_request'],
    ['an unknown field', () => ({ path: 'x' }), '400 invalid_request'],
    ['the asset', () => ({ asset: 'EUR' }), '400 invalid_request'],
    ['an unknown state', () => ({ state: 'pending' }), '400 invalid_request'],
    ['null', () => ({ metadata: null }), '400 invalid_request'],
    ['an unknown overdraft', () => ({ overdraft: 'some' }), '400 invalid_request'],
    ['a limit alone', () => ({ overdraft_limit: '1' }), '400 invalid_request'],
    ['an overdraft without its limit', () => ({ overdraft: 'limited' }), '400 invalid_request'],
    ['a limit of no overdraft', () => ({ overdraft: 'none', overdraft_limit: '1' }), '400 invalid_request'],
    ['a limit as a number', () => ({ overdraft: 'limited', overdraft_limit: 1 }), '400 invalid_request'],
    ['a limit below zero', () => ({ overdraft: 'limited', overdraft_limit: '-1' }), '400 invalid_request'],
    [
      'a limit beyond counting',
      () => ({ overdraft: 'limited', overdraft_limit: '9223372036854775808' }),
      '400 invalid_request',
    ],
  ];
  it.each(cases)('to %s', async (_what, body, expected) => {
    expect(refusal(await client.patch(`${ACCOUNTS}/${alice}`, body()))).toBe(expected);
  });

  it.each([['3'], ['"x"'], ['W/"1", W/"2"'], ['"-1"'], ['']])('with If-Match: %s', async (tag) => {
    const answer = await client.patch(`${ACCOUNTS}/${alice}`, { state: 'frozen' }, { 'if-match': tag });
    expect(refusal(answer)).toBe('400 invalid_header');
  });

  it('and openings, of unknown kinds and with half an overdraft', async () => {
    for (const more of [
      { kind: 'x' },
      { kind: 7 },
      { overdraft: 'limited' },
      { overdraft_limit: '5' },
      { overdraft: 'unbounded', overdraft_limit: '5' },
      { overdraft: 'limited', overdraft_limit: 5 },
      { overdraft: 'limited', overdraft_limit: '9223372036854775808' },
      { state: 'frozen' },
    ])
      expect(refusal(await client.post(ACCOUNTS, { asset: 'USD', ...more }))).toBe('400 invalid_request');
  });
});

describe('what is not there, or another’s', () => {
  type Ids = Omit<typeof foreign, 'group'> & { readonly group: string };
  const requests: [what: string, send: (ids: Ids) => Promise<Answered>][] = [
    ['GET /transfers/:id', ({ transfer }) => client.get(`${TRANSFERS}/${transfer}`)],
    ['GET /transfer_groups/:id', ({ group: id }) => client.get(`${GROUPS}/${id}`)],
    ['GET /holds/:id', ({ hold }) => client.get(`${HOLDS}/${hold}`)],
    ['POST /transfers/:id/reverse', ({ transfer }) => client.post(`${TRANSFERS}/${transfer}/reverse`, {})],
    ['POST /holds/:id/post', ({ hold }) => client.post(`${HOLDS}/${hold}/post`, {})],
    ['POST /holds/:id/void', ({ hold }) => client.post(`${HOLDS}/${hold}/void`, {})],
    ['PATCH /accounts/:id', ({ account }) => client.patch(`${ACCOUNTS}/${account}`, { state: 'frozen' })],
  ];
  it.each(requests)('%s', async (_what, send) => {
    expect(refusal(await send(foreign))).toBe('404 not_found');
    const [account, transfer, hold] = [newId('account'), newId('transfer'), newId('hold')];
    expect(refusal(await send({ account, transfer, hold, group: newId('group') }))).toBe('404 not_found');
    for (const id of ['x', newId('payment'), 'tr_', '%00'])
      expect(refusal(await send({ account: id, transfer: id, hold: id, group: id }))).toBe('400 invalid_id');
  });

  it('is in no list', async () => {
    for (const query of [`account=${foreign.account}`, `group=${foreign.group}`, `hold=${foreign.hold}`])
      expect((await client.get(`${TRANSFERS}?${query}`)).body).toEqual({ data: [], next_cursor: null });
    expect((await client.get(`${HOLDS}?account=${foreign.account}`)).body['data']).toEqual([]);
  });

  it('is what test mode has, to a live key', async () => {
    const live = await client.withKey(stage.db, ['transfers:read', 'holds:write'], true);
    expect(refusal(await live.get(`${TRANSFERS}/${own.transfer}`))).toBe('404 not_found');
    expect(refusal(await live.post(`${HOLDS}/${own.hold}/void`, {}))).toBe('404 not_found');
  });
});

describe('requests without a key, a scope, or with parameters', () => {
  const writes: [
    path: string,
    send: (by: Client, headers: Record<string, string>, query: string) => Promise<Answered>,
  ][] = [
    [TRANSFERS, (by, headers, query) => by.post(`${TRANSFERS}${query}`, terms(), headers)],
    ['reverse', (by, headers, query) => by.post(`${TRANSFERS}/${own.transfer}/reverse${query}`, {}, headers)],
    [HOLDS, (by, headers, query) => by.post(`${HOLDS}${query}`, terms(), headers)],
    ['post', (by, headers, query) => by.post(`${HOLDS}/${own.hold}/post${query}`, {}, headers)],
    ['void', (by, headers, query) => by.post(`${HOLDS}/${own.hold}/void${query}`, {}, headers)],
    ['patch', (by, headers, query) => by.patch(`${ACCOUNTS}/${alice}${query}`, { state: 'frozen' }, headers)],
  ];
  it.each(writes)('%s', async (_what, send) => {
    expect(refusal(await send(client, { 'idempotency-key': '' }, ''))).toBe('400 idempotency_key_missing');
    expect(refusal(await send(client, { 'idempotency-key': 'a b' }, ''))).toBe('400 idempotency_key_malformed');
    expect(refusal(await send(client, { prefer: 'wait=11' }, ''))).toBe('400 invalid_header');
    expect(refusal(await send(client, { 'content-type': 'text/plain' }, ''))).toBe('415 unsupported_media_type');
    expect(refusal(await send(client, {}, '?dry=1'))).toBe('400 invalid_parameter');
    const reader = await client.withKey(stage.db, ['transfers:read', 'holds:read', 'accounts:read', 'payments:write']);
    expect(refusal(await send(reader, {}, ''))).toBe('403 forbidden');
  });

  it('reads without their scope', async () => {
    const writer = await client.withKey(stage.db, ['transfers:write', 'holds:write']);
    for (const path of [
      TRANSFERS,
      `${TRANSFERS}/${own.transfer}`,
      `${GROUPS}/${newId('group')}`,
      HOLDS,
      `${HOLDS}/${own.hold}`,
    ])
      expect(`${path} ${refusal(await writer.get(path))}`).toBe(`${path} 403 forbidden`);
  });

  it('an overdraft without the scope for it', async () => {
    const writer = await client.withKey(stage.db, ['accounts:write']);
    const overdraft = { overdraft: 'limited', overdraft_limit: '5' };
    expect(refusal(await writer.post(ACCOUNTS, { asset: 'USD', ...overdraft }))).toBe('403 forbidden');
    expect(refusal(await writer.patch(`${ACCOUNTS}/${alice}`, overdraft))).toBe('403 forbidden');
    expect(refusal(await writer.patch(`${ACCOUNTS}/${alice}`, { overdraft: 'unbounded' }))).toBe('403 forbidden');
  });
});

describe('queries', () => {
  it.each([
    [TRANSFERS, 'account=x'],
    [TRANSFERS, 'account=%00'],
    [TRANSFERS, `group=${newId('transfer')}`],
    [TRANSFERS, `hold=${newId('group')}`],
    [TRANSFERS, 'status=done'],
    [TRANSFERS, 'status=posted&status=failed'],
    [TRANSFERS, 'asset=usd'],
    [TRANSFERS, 'amount[gte]=-1'],
    [TRANSFERS, 'amount[lte]=1.5'],
    [TRANSFERS, 'amount[lte]=9223372036854775808'],
    [TRANSFERS, 'amount=5'],
    [TRANSFERS, 'created[gte]=0000-01-01T00:00:00Z'],
    [TRANSFERS, 'created[gte]=2026-02-30T00:00:00Z'],
    [TRANSFERS, 'reference=x'],
    [TRANSFERS, 'limit=201'],
    [HOLDS, 'status=done'],
    [HOLDS, 'account=x'],
    [HOLDS, 'asset=USD'],
    [HOLDS, '__proto__=1'],
  ])('%s?%s', async (path, query) => {
    expect(refusal(await client.get(`${path}?${query}`))).toBe('400 invalid_parameter');
  });

  it('parameters where none are known, and cursors of nobody', async () => {
    expect(refusal(await client.get(`${TRANSFERS}/${own.transfer}?expand=x`))).toBe('400 invalid_parameter');
    expect(refusal(await client.get(`${HOLDS}/${own.hold}?expand=x`))).toBe('400 invalid_parameter');
    expect(refusal(await client.get(`${HOLDS}?cursor=x`))).toBe('400 cursor_invalid');
  });

  it.each([
    [TRANSFERS, 'GET, HEAD, POST'],
    [HOLDS, 'GET, HEAD, POST'],
    [`${GROUPS}/${newId('group')}`, 'GET, HEAD'],
    [`${HOLDS}/${newId('hold')}/void`, 'POST'],
    [`${ACCOUNTS}/${newId('account')}`, 'GET, HEAD, PATCH'],
  ])('DELETE %s is answered 405', async (path, allowed) => {
    const answer = await client.send('DELETE', path, undefined, {});
    expect([refusal(answer), answer.headers.get('allow')]).toEqual(['405 method_not_allowed', allowed]);
  });
});
