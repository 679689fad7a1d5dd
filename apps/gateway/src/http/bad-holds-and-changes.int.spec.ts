import { newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepBooks, type Books } from '../testing/books.js';
import { countAllRows } from '../testing/all-rows.js';
import { Client, type Answered } from '../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const GROUPS = '/api/v1/transfer_groups';
const HOLDS = '/api/v1/holds';
const ACCOUNTS = '/api/v1/accounts';
let stage: Stage;
let client: Client;
let alice: string;
let bob: string;
/** Of those who ask. */
const KEYS = ['api_keys'];
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
  before = await countAllRows(stage.db, KEYS);
});
// Whatever was refused has left no row and no message.
afterEach(async () => {
  expect(await countAllRows(stage.db, KEYS)).toEqual(before);
});

const terms = (more: Record<string, unknown> = {}) => ({
  debit_account: alice,
  credit_account: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});

function refusal(answer: Answered): string {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.body).toMatchObject({ status: answer.status, request_id: answer.headers.get('request-id') });
  return told(answer);
}

type Body = () => string | Buffer | object;
type Case = [what: string, body: Body, expected: string];

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

  it.each([['3'], ['"x"'], ['W/"1", W/"2"'], ['"-1"']])('with If-Match: %s', async (tag) => {
    const answer = await client.patch(`${ACCOUNTS}/${alice}`, { state: 'frozen' }, { 'if-match': tag });
    expect(refusal(answer)).toBe('400 invalid_header');
  });

  it('without If-Match: who has not seen what they change must say so', async () => {
    const none = { 'if-match': '' };
    for (const path of [`${ACCOUNTS}/${alice}`, `${TRANSFERS}/${own.transfer}`])
      expect(refusal(await client.patch(path, { metadata: {} }, none))).toBe('428 precondition_required');
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
  type Ids = Pick<Books, 'alice' | 'transfer' | 'group' | 'hold'>;
  const requests: [what: string, send: (ids: Ids) => Promise<Answered>][] = [
    ['GET /transfers/:id', ({ transfer }) => client.get(`${TRANSFERS}/${transfer}`)],
    ['GET /transfer_groups/:id', ({ group: id }) => client.get(`${GROUPS}/${id}`)],
    ['GET /holds/:id', ({ hold }) => client.get(`${HOLDS}/${hold}`)],
    ['POST /transfers/:id/reverse', ({ transfer }) => client.post(`${TRANSFERS}/${transfer}/reverse`, {})],
    ['POST /holds/:id/post', ({ hold }) => client.post(`${HOLDS}/${hold}/post`, {})],
    ['POST /holds/:id/void', ({ hold }) => client.post(`${HOLDS}/${hold}/void`, {})],
    ['PATCH /accounts/:id', ({ alice: id }) => client.patch(`${ACCOUNTS}/${id}`, { state: 'frozen' })],
  ];
  it.each(requests)('%s', async (_what, send) => {
    expect(refusal(await send(foreign))).toBe('404 not_found');
    const unknown = { transfer: newId('transfer'), group: newId('group'), hold: newId('hold') };
    expect(refusal(await send({ ...unknown, alice: newId('account') }))).toBe('404 not_found');
    for (const id of ['x', newId('payment'), 'tr_', '%00'])
      expect(refusal(await send({ alice: id, transfer: id, hold: id, group: id }))).toBe('400 invalid_id');
  });

  it('is in no list', async () => {
    for (const query of [`account=${foreign.alice}`, `group=${foreign.group}`, `hold=${foreign.hold}`])
      expect((await client.get(`${TRANSFERS}?${query}`)).body).toEqual({ data: [], next_cursor: null });
    expect((await client.get(`${HOLDS}?account=${foreign.alice}`)).body['data']).toEqual([]);
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
    [HOLDS, 'colour=red'],
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
