import { newId } from '@payflow/contracts';
import { checkInvariant } from '@payflow/invariants';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { invariants } from '../../database/index.js';
import { countRows, type Answered } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const BULK = '/api/v1/transfers/bulk';
const WAIT = { prefer: 'wait=10' };
const HELD_OFF = { prefer: 'wait=0' };
const NDJSON = 'application/x-ndjson';

interface Result {
  readonly index: number;
  readonly id: string | null;
  readonly status: string;
  readonly amount: string | null;
  readonly error: { readonly code: string; readonly detail?: string; readonly errors?: { pointer: string }[] } | null;
}

let stage: Stage;
let alice: string;
let bob: string;
let pauper: string;

beforeAll(async () => {
  stage = await openStage();
  [alice, bob, pauper] = [await stage.client.open(), await stage.client.open(), await stage.client.open()];
  stage.house.empty.add(pauper);
});
afterAll(() => stage?.close());
// Whatever was done, what must always hold does.
afterEach(async () => {
  stage.house.answering = true;
  await until('nothing is on its way', async () => (await countRows(stage.db)).pending === 0);
  for (const one of invariants)
    for (const form of ['running', 'full'] as const)
      expect(await checkInvariant(stage.db, one, form)).toMatchObject({ violations: 0 });
});

const transfer = (more: Record<string, unknown> = {}) => ({
  debit_account: alice,
  credit_account: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const bulk = (mode: string, transfers: readonly unknown[], headers: Record<string, string> = WAIT, more = {}) =>
  stage.client.post(BULK, { mode, transfers, ...more }, headers);
const results = ({ body }: Answered) => body['results'] as Result[];
const inShort = (answer: Answered) =>
  results(answer).map(({ status, error }) => (error ? `${status} ${error.code}` : status));
const read = async (id: unknown) => stage.client.get(`/api/v1/transfers/${id as string}`);
const account = async (id: string) => (await stage.client.get(`/api/v1/accounts/${id}`)).body;

describe('an independent bulk', () => {
  it('gives each item its own result, in the order asked', async () => {
    const before = await countRows(stage.db);
    const id = newId('transfer');
    const answer = await bulk('independent', [
      transfer({ id, metadata: { order: '7' } }),
      transfer({ amount: '-5' }),
      transfer({ debit_account: pauper }),
      transfer({ credit_account: newId('account') }),
      transfer({ amount: '30', up_to: true }),
    ]);
    expect(answer.status).toBe(200);
    expect(inShort(answer)).toEqual([
      'posted',
      'invalid invalid_request',
      'failed insufficient_funds',
      'invalid account_not_found',
      'posted',
    ]);
    expect(answer.body).toMatchObject({
      object: 'transfer_bulk',
      mode: 'independent',
      status: 'completed',
      counts: { total: 5, pending: 0, posted: 2, failed: 1, skipped: 0, invalid: 2 },
    });
    expect(results(answer)[0]).toEqual({ index: 0, id, status: 'posted', amount: '100', error: null });
    expect(results(answer)[1]?.error?.errors?.map(({ pointer }) => pointer)).toEqual(['/amount']);
    expect(results(answer)[4]?.amount).toBe('15');
    expect((await read(id)).body).toMatchObject({ status: 'posted', metadata: { order: '7' }, group: null });
    expect(answer.headers.get('location')).toBe(`${BULK}/${answer.body['id'] as string}`);
    expect((await stage.client.get(answer.headers.get('location') ?? '')).text).toBe(answer.text);
    const after = await countRows(stage.db);
    expect([after.keys - before.keys, after.transfers - before.transfers, after.messages - before.messages]).toEqual([
      1, 3, 3,
    ]);
  });

  it('may come and go as lines', async () => {
    const lines = [JSON.stringify(transfer()), '{"debit_account":', '', JSON.stringify(transfer({ amount: '1' }))];
    const headers = { ...WAIT, 'content-type': NDJSON, accept: NDJSON };
    const answer = await stage.client.post(`${BULK}?mode=independent`, `${lines.join('\r\n')}\r\n`, headers);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, NDJSON]);
    const told = answer.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Result);
    expect(told.map(({ index, status, error }) => [index, status, error?.code])).toEqual([
      [0, 'posted', undefined],
      [1, 'invalid', 'invalid_json'],
      [2, 'invalid', 'invalid_json'],
      [3, 'posted', undefined],
    ]);
  });

  it('is replayed byte for byte, and its key stands for nothing else', async () => {
    const key = { ...WAIT, 'idempotency-key': newId('event') };
    const items = [transfer(), transfer({ amount: '0' })];
    const first = await bulk('independent', items, key);
    const counts = await countRows(stage.db);
    const again = await bulk('independent', items, key);
    expect([again.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([200, first.text, 'true']);
    expect(first.headers.get('idempotency-replayed')).toBeNull();
    expect(told(await bulk('independent', [transfer()], key))).toBe('422 idempotency_key_reused');
    expect(told(await stage.client.post('/api/v1/transfers', transfer(), key))).toBe('422 idempotency_key_reused');
    expect(await countRows(stage.db)).toEqual(counts);
  });

  it('sent twenty times at once is one', async () => {
    const [counts, balance] = [await countRows(stage.db), await account(bob)];
    const key = { ...WAIT, 'idempotency-key': newId('event') };
    const items = Array.from({ length: 50 }, () => transfer({ amount: '2' }));
    const answers = await Promise.all(Array.from({ length: 20 }, () => bulk('independent', items, key)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    const after = await countRows(stage.db);
    expect([after.transfers - counts.transfers, after.messages - counts.messages]).toEqual([50, 50]);
    expect(BigInt((await account(bob))['balance'] as string) - BigInt(balance['balance'] as string)).toBe(100n);
  });

  it('with other keys and the same ids, twenty at once, books each transfer once', async () => {
    const [counts, balance] = [await countRows(stage.db), await account(bob)];
    const items = Array.from({ length: 50 }, () => transfer({ id: newId('transfer'), amount: '3' }));
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, at) => bulk('independent', at % 2 === 0 ? items : [...items].reverse())),
    );
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(inShort(answer)).toEqual(items.map(() => 'posted'));
    }
    const after = await countRows(stage.db);
    expect([after.transfers - counts.transfers, after.messages - counts.messages]).toEqual([50, 50]);
    expect(BigInt((await account(bob))['balance'] as string) - BigInt(balance['balance'] as string)).toBe(150n);
  });

  it('shows what an id was first used for, and refuses it for anything else', async () => {
    const [id, alone] = [newId('transfer'), newId('transfer')];
    const first = await bulk('independent', [transfer({ id, debit_account: pauper })]);
    expect(inShort(first)).toEqual(['failed insufficient_funds']);
    await stage.client.post('/api/v1/transfers', transfer({ id: alone }), WAIT);
    const again = await bulk('independent', [
      transfer({ id, debit_account: pauper }),
      transfer({ id, debit_account: pauper, amount: '101' }),
      transfer({ id: alone, amount: '101' }),
      transfer({ id: results(first)[0]?.id, debit_account: pauper }),
    ]);
    expect(inShort(again)).toEqual([
      'failed insufficient_funds',
      'invalid id_reused',
      'invalid id_reused',
      'failed insufficient_funds',
    ]);
  });

  it('that cannot be answered in time is durable, can be looked at, and is answered later', async () => {
    stage.house.answering = false;
    const key = { ...HELD_OFF, 'idempotency-key': newId('event') };
    const items = [transfer(), transfer({ amount: 'x' })];
    const first = await bulk('independent', items, key);
    expect([first.status, first.body['status']]).toEqual([202, 'pending']);
    expect(inShort(first)).toEqual(['pending', 'invalid invalid_request']);
    const path = first.headers.get('location') ?? '';
    const standing = await stage.client.get(path);
    expect([standing.status, standing.body['status']]).toEqual([200, 'pending']);
    // Another bulk that asks for the same waits for it too.
    const waiting = bulk('independent', items, { ...key, ...WAIT });
    stage.house.answering = true;
    const answer = await waiting;
    expect([answer.status, inShort(answer)]).toEqual([200, ['posted', 'invalid invalid_request']]);
    expect(answer.headers.get('idempotency-replayed')).toBe('true');
    expect((await stage.client.get(path)).text).toBe(answer.text);
  });

  it('waits for a transfer that another request is making', async () => {
    stage.house.answering = false;
    const item = transfer({ id: newId('transfer') });
    expect((await bulk('independent', [item], HELD_OFF)).status).toBe(202);
    expect((await bulk('independent', [item], HELD_OFF)).status).toBe(202);
    const waiting = bulk('independent', [item]);
    stage.house.answering = true;
    expect(inShort(await waiting)).toEqual(['posted']);
  });
});

describe('an atomic bulk', () => {
  it('is one group, all or none', async () => {
    const answer = await bulk('atomic', [transfer(), transfer({ amount: '7' })], WAIT, { metadata: { a: 'b' } });
    expect([answer.status, inShort(answer)]).toEqual([200, ['posted', 'posted']]);
    const { group } = (await read(results(answer)[0]?.id)).body;
    expect((await stage.client.get(`/api/v1/transfer_groups/${group as string}`)).body).toMatchObject({
      status: 'posted',
      metadata: { a: 'b' },
      transfers: results(answer).map(({ id }) => ({ id })),
    });
    const refused = await bulk('atomic', [transfer(), transfer({ debit_account: pauper })]);
    expect([refused.status, inShort(refused)]).toEqual([
      200,
      ['failed insufficient_funds', 'failed insufficient_funds'],
    ]);
    const details = results(refused).map(({ error }) => error?.detail);
    expect(details).toEqual(['Item 1 was refused, and all others with it.', undefined]);
  });

  it.each<[string, () => unknown[], string, string]>([
    ['shape', () => [transfer(), transfer({ amount: '1.5' })], '400 invalid_request', '/transfers/1/amount'],
    ['amount', () => [transfer(), transfer({ amount: '0' })], '422 amount_not_positive', '/transfers/1/amount'],
    [
      'account',
      () => [transfer(), transfer({ debit_account: newId('account') })],
      '422 account_not_found',
      '/transfers/1/debit_account',
    ],
    ['kind', () => [transfer(), 7], '400 invalid_request', '/transfers/1'],
    ['member', () => [transfer({ conditions: [] })], '400 invalid_request', '/transfers/0/conditions'],
  ])('is refused as a whole by the %s of one item', async (_what, items, code, pointer) => {
    const before = await countRows(stage.db);
    const answer = await bulk('atomic', items());
    expect(told(answer)).toBe(code);
    expect(answer.body['errors']).toMatchObject([{ pointer }]);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('is refused as a whole by an id that is in use, and leaves nothing', async () => {
    const id = newId('transfer');
    await bulk('independent', [transfer({ id })]);
    const before = await countRows(stage.db);
    const answer = await bulk('atomic', [transfer(), transfer({ id })]);
    expect(told(answer)).toBe('422 id_reused');
    expect(answer.body['errors']).toMatchObject([{ pointer: '/transfers/1/id' }]);
    expect(await countRows(stage.db)).toEqual(before);
  });
});

describe('a bulk that stops on the first refusal', () => {
  it('keeps what came before, and leaves the ids behind it free', async () => {
    const [late, refused] = [newId('transfer'), newId('transfer')];
    const answer = await bulk('stop_on_first', [
      transfer(),
      transfer({ id: refused, debit_account: pauper }),
      transfer({ id: late }),
    ]);
    expect([answer.status, inShort(answer)]).toEqual([200, ['posted', 'failed insufficient_funds', 'skipped']]);
    expect((await read(refused)).body).toMatchObject({
      status: 'failed',
      failure: { code: 'insufficient_funds', leg: 1 },
    });
    expect((await read(late)).status).toBe(404);
    expect(inShort(await bulk('stop_on_first', [transfer({ id: late })]))).toEqual(['posted']);
    // The id belongs to another bulk now, and this one says what it said.
    expect((await stage.client.get(answer.headers.get('location') ?? '')).text).toBe(answer.text);
  });

  it('may stop at its first item', async () => {
    const answer = await bulk('stop_on_first', [transfer({ debit_account: pauper }), transfer()]);
    expect(inShort(answer)).toEqual(['failed insufficient_funds', 'skipped']);
  });

  it('stops at an item that is wrong, or whose id is in use', async () => {
    const id = newId('transfer');
    await bulk('independent', [transfer({ id })]);
    const free = newId('transfer');
    const before = await countRows(stage.db);
    const answers = [
      await bulk('stop_on_first', [transfer(), transfer({ asset: 'XXX' }), transfer({ id: free })]),
      await bulk('stop_on_first', [transfer(), transfer({ id }), transfer({ id: free })]),
      await bulk('stop_on_first', [transfer({ amount: null }), transfer({ id: free })]),
      await bulk('stop_on_first', [transfer({ id }), transfer({ id: free })]),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(answers.map(inShort)).toEqual([
      ['posted', 'invalid asset_unknown', 'skipped'],
      ['posted', 'invalid id_reused', 'skipped'],
      ['invalid invalid_request', 'skipped'],
      ['invalid id_reused', 'skipped'],
    ]);
    const after = await countRows(stage.db);
    expect([
      after.transfers - before.transfers,
      after.groups - before.groups,
      after.messages - before.messages,
    ]).toEqual([2, 2, 2]);
  });
});

describe('the list of transfers', () => {
  it('may come as lines, page by page, each with the way to the next', async () => {
    const { client } = stage;
    const path = `/api/v1/transfers?account=${alice}&status=posted&limit=7`;
    const listed: unknown[] = [];
    for (let next: string | undefined = path; next;) {
      const page = await client.get(next, { accept: `${NDJSON}, application/json;q=0.5` });
      expect([page.status, page.headers.get('content-type')]).toEqual([200, NDJSON]);
      listed.push(
        ...page.text
          .split('\n')
          .filter(Boolean)
          .map((line) => (JSON.parse(line) as { id: string }).id),
      );
      next = /^<(.*)>; rel="next"$/.exec(page.headers.get('link') ?? '')?.[1];
    }
    const whole: unknown[] = [];
    for (let cursor: unknown = ''; cursor !== null;) {
      const { body } = await client.get(`${path}${cursor ? `&cursor=${cursor as string}` : ''}`);
      whole.push(...(body['data'] as { id: string }[]).map(({ id }) => id));
      cursor = body['next_cursor'];
    }
    expect(listed.length).toBeGreaterThan(7);
    expect(listed).toEqual(whole);
  });
});

describe('a bulk', () => {
  it.each<[string, () => unknown, string]>([
    ['of no mode', () => ({ transfers: [transfer()] }), '400 invalid_request'],
    ['of another mode', () => ({ mode: 'some', transfers: [transfer()] }), '400 invalid_request'],
    ['without transfers', () => ({ mode: 'independent' }), '400 invalid_request'],
    ['of no transfers', () => ({ mode: 'independent', transfers: [] }), '400 invalid_request'],
    ['whose transfers are no list', () => ({ mode: 'independent', transfers: transfer() }), '400 invalid_request'],
    [
      'with terms for all, each its own',
      () => ({ mode: 'independent', transfers: [transfer()], metadata: {} }),
      '400 invalid_request',
    ],
    [
      'with an unknown member',
      () => ({ mode: 'atomic', transfers: [transfer()], speed: 'high' }),
      '400 invalid_request',
    ],
    [
      'with its transfers twice',
      () => `{"mode":"atomic","transfers":[],"transfers":[${JSON.stringify(transfer())}]}`,
      '400 invalid_json',
    ],
    [
      'that ends too early',
      () => `{"mode":"independent","transfers":[${JSON.stringify(transfer())}`,
      '400 invalid_json',
    ],
    ['that is a list', () => `[${JSON.stringify(transfer())}]`, '400 invalid_request'],
    ['of nothing', () => '', '400 invalid_json'],
    [
      'of more than a thousand together',
      () => ({ mode: 'atomic', transfers: Array(1_001).fill(transfer()) }),
      '400 invalid_request',
    ],
    [
      'of more than ten thousand',
      () => `{"mode":"independent","transfers":[${Array(10_001).fill('{}').join(',')}]}`,
      '400 invalid_request',
    ],
    [
      'of more than 4 MiB',
      () => ({ mode: 'independent', transfers: [transfer({ note: 'x'.repeat(4 * 1024 * 1024) })] }),
      '413 payload_too_large',
    ],
  ])('%s is refused, and leaves nothing', async (_what, body, code) => {
    const before = await countRows(stage.db);
    expect(told(await stage.client.post(BULK, body() as object))).toBe(code);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('is read by its route alone: others take no lines, and no more than they did', async () => {
    const lines = { 'content-type': NDJSON };
    expect(told(await stage.client.post('/api/v1/transfers', JSON.stringify(transfer()), lines))).toBe(
      '415 unsupported_media_type',
    );
    const large = transfer({ metadata: { note: 'x'.repeat(300_000) } });
    expect(told(await stage.client.post('/api/v1/transfers', large))).toBe('413 payload_too_large');
  });

  it('needs a key, a scope, and parameters that there are', async () => {
    const body = { mode: 'independent', transfers: [transfer()] };
    expect(told(await stage.client.post(BULK, body, { 'idempotency-key': '' }))).toBe('400 idempotency_key_missing');
    expect(told(await stage.client.post(`${BULK}?mode=atomic`, body))).toBe('400 invalid_parameter');
    const reader = await stage.client.withKey(stage.db, ['transfers:read']);
    expect(told(await reader.post(BULK, body))).toBe('403 forbidden');
    expect(told(await stage.client.get(`${BULK}/${newId('bulk')}`))).toBe('404 not_found');
    expect(told(await stage.client.get(`${BULK}/7`))).toBe('400 invalid_id');
    const lines = { 'content-type': NDJSON };
    expect(told(await stage.client.post(BULK, JSON.stringify(transfer()), lines))).toBe('400 invalid_request');
    expect(told(await stage.client.post(`${BULK}?mode=all`, JSON.stringify(transfer()), lines))).toBe(
      '400 invalid_request',
    );
  });
});
