import { newId, uuidOf, fromUuid } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const HELD_OFF = { prefer: 'wait=0' };
let stage: Stage;
let alice: string;
let bob: string;
let carol: string;
let pauper: string;

beforeAll(async () => {
  stage = await openStage();
  const { client, house } = stage;
  [alice, bob] = [await client.open(), await client.open()];
  [carol, pauper] = [await client.open(), await client.open()];
  house.empty.add(pauper);
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const leg = (more: Record<string, unknown> = {}) => ({
  debit_account: alice,
  credit_account: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const move = (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  stage.client.post(TRANSFERS, leg(more), headers);
const moveTogether = (legs: object[], more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  stage.client.post(TRANSFERS, { legs, ...more }, headers);
const account = async (id: string) => (await stage.client.get(`/api/v1/accounts/${id}`)).body;
const read = async (id: unknown) => (await stage.client.get(`${TRANSFERS}/${id as string}`)).body;
const listed = async (query: string) =>
  (await stage.client.get(`${TRANSFERS}?${query}`)).body['data'] as Record<string, unknown>[];
const ids = (resources: readonly Record<string, unknown>[]) => resources.map(({ id }) => id);

describe('a transfer', () => {
  it('is answered 201 when it is posted, and is there at once with both balances', async () => {
    const before = [await account(alice), await account(bob)];
    const { status, headers, body } = await move({ metadata: { a: 'b' } });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: body['id'],
      object: 'transfer',
      kind: 'plain',
      status: 'posted',
      debit_account: alice,
      credit_account: bob,
      amount: '100',
      asset: 'USD',
      group: null,
      payment: null,
      hold: null,
      reverses: null,
      reversed: '0',
      type: null,
      corrects: null,
      corrected_by: null,
      effective_at: body['recorded_at'],
      rate: null,
      failure: null,
      metadata: { a: 'b' },
      livemode: false,
      trace_id: body['trace_id'],
      created_at: body['created_at'],
      recorded_at: expect.any(String) as unknown,
    });
    expect(headers.get('location')).toBe(`${TRANSFERS}/${body['id'] as string}`);
    expect(await read(body['id'])).toEqual(body);
    const after = [await account(alice), await account(bob)];
    const debited = (at: number, field: string) => Number(after[at]?.[field]) - Number(before[at]?.[field]);
    expect([debited(0, 'posted_debits'), debited(1, 'posted_credits'), debited(0, 'version')]).toEqual([100, 100, 1]);
  });

  it('is carried by the group that shares its UUID', async () => {
    const { body } = await move({ conditions: [{ account: bob, balance_gte: '-5' }], up_to: true });
    const id = body['id'] as string;
    const command = stage.house.commands.find(({ subject }) => subject === id);
    expect(command?.data).toMatchObject({
      id: fromUuid('group', uuidOf('transfer', id)),
      legs: [{ id, up_to: true }],
      conditions: [{ account: bob, version: null, balance_gte: '-5', balance_lte: null }],
      effective_at: null,
    });
  });

  it('shows what moved, where as much as there is was asked for', async () => {
    const { status, body } = await move({ amount: '30', up_to: true });
    expect([status, body['amount']]).toEqual([201, '15']);
    expect((await read(body['id']))['amount']).toBe('15');
  });

  it('may be for an earlier instant', async () => {
    const { body } = await move({ effective_at: '2026-01-02T04:04:05.678+01:00' });
    expect(body['effective_at']).toBe('2026-01-02T03:04:05.678Z');
  });

  it('that the ledger refuses answers 402 and is kept as failed', async () => {
    const { status, headers, body } = await move({ debit_account: pauper });
    expect([status, headers.get('content-type')]).toEqual([402, 'application/problem+json']);
    expect(body).toMatchObject({
      code: 'insufficient_funds',
      instance: TRANSFERS,
      request_id: headers.get('request-id'),
      transfer: { status: 'failed', failure: { code: 'insufficient_funds', leg: null }, recorded_at: null },
    });
    const transfer = body['transfer'] as Record<string, unknown>;
    expect(await read(transfer['id'])).toEqual(transfer);
    expect(headers.get('location')).toBe(`${TRANSFERS}/${transfer['id'] as string}`);
  });

  it('whose condition is not met answers 409', async () => {
    const { version } = await account(carol);
    expect(told(await move({ conditions: [{ account: carol, version: Number(version) + 1 }] }))).toBe(
      '409 condition_failed',
    );
    expect(told(await move({ conditions: [{ account: carol, version }] }))).toBe('201');
  });

  it('is answered 202 when its end does not come in time, and is pending until it does', async () => {
    stage.house.answering = false;
    const { status, headers, body } = await move({}, HELD_OFF);
    expect([status, body['status'], body['recorded_at']]).toEqual([202, 'pending', null]);
    const location = headers.get('location') as string;
    const pending = await stage.client.get(location);
    expect(pending.body).toEqual(body);
    stage.house.answering = true;
    await until('it has ended', async () => (await stage.client.get(location)).body['status'] === 'posted');
    const etag = (await stage.client.get(location)).headers.get('etag') as string;
    expect(etag).not.toBe(pending.headers.get('etag'));
    expect((await stage.client.get(location, { 'if-none-match': etag })).status).toBe(304);
  });

  it('may have the id that the client chose, once, and the UUID of a payment', async () => {
    const id = newId('transfer');
    const payment = fromUuid('payment', uuidOf('transfer', id));
    stage.house.answering = false;
    const both = [
      await stage.client.post(
        '/api/v1/payments',
        { id: payment, source: alice, destination: bob, amount: '1', asset: 'USD' },
        HELD_OFF,
      ),
      await move({ id }, HELD_OFF),
    ];
    expect(both.map(told)).toEqual(['202', '202']);
    stage.house.answering = true;
    await until('both have ended', async () => (await countRows(stage.db)).pending === 0);
    expect([
      (await read(id))['status'],
      (await stage.client.get(`/api/v1/payments/${payment}`)).body['status'],
    ]).toEqual(['posted', 'succeeded']);
    const before = await countRows(stage.db);
    expect(told(await move({ id, amount: '1' }))).toBe('422 id_reused');
    expect(await countRows(stage.db)).toEqual(before);
  });
});

describe('a key', () => {
  it('replays a transfer and a refusal byte for byte', async () => {
    for (const more of [{}, { debit_account: pauper }]) {
      const key = { 'idempotency-key': newId('event') };
      const [first, again] = [await move(more, key), await move(more, key)];
      expect([again.status, again.text]).toEqual([first.status, first.text]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      expect(again.headers.get('location')).toBe(first.headers.get('location'));
    }
  });

  it('replays a group byte for byte', async () => {
    const key = { 'idempotency-key': newId('event') };
    const legs = [leg(), leg({ debit_account: bob, credit_account: carol })];
    const [first, again] = [await moveTogether(legs, {}, key), await moveTogether(legs, {}, key)];
    expect([first.status, again.status, again.text]).toEqual([201, 201, first.text]);
  });

  it('of a write that is on its way is joined, whatever it makes', async () => {
    stage.house.answering = false;
    const key = { 'idempotency-key': newId('event') };
    const first = await moveTogether([leg()], {}, { ...key, ...HELD_OFF });
    const second = await moveTogether([leg()], {}, { ...key, ...HELD_OFF });
    expect([second.status, second.text]).toEqual([202, first.text]);
    const third = moveTogether([leg()], {}, { ...key, prefer: 'wait=10' });
    stage.house.answering = true;
    expect([(await third).status, (await third).body['id']]).toEqual([201, first.body['id']]);
  });

  it('of 20 copies at once moves money once', async () => {
    const before = await countRows(stage.db);
    const key = { 'idempotency-key': newId('event'), prefer: 'wait=10' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => stage.client.postUntilTaken(TRANSFERS, leg(), key)),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect((await countRows(stage.db)).transfers).toBe(before.transfers + 1);
  });
});

describe('a group', () => {
  it('is answered 201 with all its transfers, which are there one by one', async () => {
    const own = newId('transfer');
    const legs = [leg({ amount: '1' }), leg({ id: own, debit_account: bob, credit_account: carol, amount: '2' })];
    const { status, headers, body } = await moveTogether(legs, { metadata: { run: '7' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({ object: 'transfer_group', status: 'posted', failure: null, metadata: { run: '7' } });
    const transfers = body['transfers'] as Record<string, unknown>[];
    expect(transfers).toMatchObject([
      { debit_account: alice, amount: '1', status: 'posted', group: body['id'], metadata: {} },
      { id: own, debit_account: bob, amount: '2', status: 'posted', group: body['id'] },
    ]);
    const location = headers.get('location') as string;
    expect(location).toBe(`/api/v1/transfer_groups/${body['id'] as string}`);
    expect((await stage.client.get(location)).body).toEqual(body);
    expect(await read(own)).toEqual(transfers[1]);
  });

  it('that is refused leaves all its transfers failed, and names the leg', async () => {
    const legs = [leg(), leg({ debit_account: pauper }), leg()];
    const { status, body } = await moveTogether(legs);
    expect([status, body['code']]).toEqual([402, 'insufficient_funds']);
    const group = body['transfer_group'] as { id: string; transfers: Record<string, unknown>[] };
    const failure = { code: 'insufficient_funds', leg: 1 };
    expect(group).toMatchObject({ status: 'failed', failure });
    expect(group.transfers).toMatchObject(legs.map((one) => ({ ...one, status: 'failed', failure })));
    expect((await stage.client.get(`/api/v1/transfer_groups/${group.id}`)).body).toEqual(group);
  });

  it('is pending with all its transfers until it ends', async () => {
    stage.house.answering = false;
    const { status, headers, body } = await moveTogether([leg(), leg()], {}, HELD_OFF);
    expect([status, body['status']]).toEqual([202, 'pending']);
    expect(body['transfers']).toMatchObject([{ status: 'pending' }, { status: 'pending' }]);
    const location = headers.get('location') as string;
    expect((await stage.client.get(location)).body).toEqual(body);
    stage.house.answering = true;
    await until('it has ended', async () => (await stage.client.get(location)).body['status'] === 'posted');
  });

  it('may have 1,000 legs', async () => {
    const before = await countRows(stage.db);
    const { status, body } = await moveTogether(
      Array.from({ length: 1_000 }, (_, at) => leg({ amount: String(at + 1) })),
      {},
      { prefer: 'wait=10' },
    );
    expect(status).toBe(201);
    const transfers = body['transfers'] as { amount: string }[];
    expect(transfers.map(({ amount }) => amount)).toEqual(Array.from({ length: 1_000 }, (_, at) => String(at + 1)));
    expect(await countRows(stage.db)).toEqual({
      ...before,
      keys: before.keys + 1,
      groups: before.groups + 1,
      transfers: before.transfers + 1_000,
      messages: before.messages + 1,
    });
  });

  it('of which one id is taken leaves nothing, and holds up no other', async () => {
    const taken = (await move()).body['id'];
    const before = await countRows(stage.db);
    const answers = await Promise.all([
      moveTogether([leg(), leg({ id: taken })]),
      move(),
      moveTogether([leg({ id: newId('transfer') }), leg()]),
      moveTogether([leg({ id: taken })]),
    ]);
    expect(answers.map(told)).toEqual(['422 id_reused', '201', '201', '422 id_reused']);
    expect(await countRows(stage.db)).toEqual({
      ...before,
      keys: before.keys + 2,
      groups: before.groups + 1,
      transfers: before.transfers + 3,
      messages: expect.any(Number) as unknown,
    });
  });
});

describe('the list', () => {
  it('is filtered by account on either side, group, status, asset and amount, page by page', async () => {
    const { client } = stage;
    const [dora, emil] = [await client.open('EUR'), await client.open('EUR')];
    const euros = (more: object) => leg({ debit_account: dora, credit_account: emil, asset: 'EUR', ...more });
    const made: unknown[] = [];
    for (const amount of ['1', '20', '300']) made.unshift((await client.post(TRANSFERS, euros({ amount }))).body['id']);
    const back = euros({ debit_account: emil, credit_account: dora, amount: '4' });
    const group = await moveTogether([back]);
    made.unshift((group.body['transfers'] as { id: string }[])[0]?.id);
    expect(ids(await listed(`account=${dora}`))).toEqual(made);
    expect(ids(await listed(`account=${emil}&asset=EUR&status=posted`))).toEqual(made);
    expect(ids(await listed(`account=${dora}&amount[gte]=4&amount[lte]=20`))).toEqual([made[0], made[2]]);
    expect(ids(await listed(`group=${group.body['id'] as string}`))).toEqual([made[0]]);
    expect(await listed(`account=${dora}&status=failed`)).toEqual([]);
    expect(await listed(`hold=${newId('hold')}`)).toEqual([]);
    const pages: unknown[] = [];
    for (let cursor = ''; ;) {
      const { body } = await client.get(`${TRANSFERS}?account=${dora}&limit=1${cursor}`);
      pages.push(...ids(body['data'] as Record<string, unknown>[]));
      if (body['next_cursor'] === null) break;
      cursor = `&cursor=${body['next_cursor'] as string}`;
    }
    expect(pages).toEqual(made);
    const newest = (await listed(`account=${dora}&limit=1`))[0];
    expect(await listed(`account=${dora}&created[gt]=${newest?.['created_at'] as string}`)).toEqual([]);
  });
});

describe('an event that nobody here asked for', () => {
  it('makes what it tells of, and one that comes twice changes nothing', async () => {
    const cause = { tenant: stage.client.tenant, livemode: false, traceparent: undefined };
    const [group, transfer, late] = [newId('group'), newId('transfer'), newId('account')];
    const at = '2026-01-02T03:04:05.678Z';
    const counters = { posted_credits: '0', pending_debits: '0', pending_credits: '0' };
    const event = {
      id: group,
      reverses: null,
      legs: [{ id: transfer, debit_account: late, credit_account: carol, amount: '7', asset: 'JPY' }],
      accounts: [{ id: late, posted_debits: '7', ...counters, version: 5 }],
      effective_at: at,
      metadata: { from: 'elsewhere' },
      recorded_at: at,
    };
    await stage.house.publish('payflow.group.posted.v1', event, cause);
    await until('it is there', async () => (await read(transfer))['status'] === 'posted');
    expect((await stage.client.get(`/api/v1/transfer_groups/${group}`)).body).toMatchObject({
      status: 'posted',
      metadata: { from: 'elsewhere' },
      transfers: [{ id: transfer, amount: '7', created_at: at }],
    });
    expect(await account(late)).toMatchObject({ posted_debits: '7', asset: 'JPY', version: 5 });
    await stage.house.publish('payflow.group.posted.v1', event, cause);
    // A refusal of a command that nobody here sent must not touch the transfer either.
    await stage.house.publish(
      'payflow.group.rejected.v1',
      { id: group, debit_account: late, reason: 'id_reused', leg: null, recorded_at: at },
      cause,
    );
    // Of the same record key, so that it is read after.
    const next = newId('transfer');
    await stage.house.publish(
      'payflow.group.posted.v1',
      { ...event, id: newId('group'), legs: event.legs.map((one) => ({ ...one, id: next })) },
      cause,
    );
    await until('what came last is there', async () => (await read(next))['status'] === 'posted');
    expect(await read(transfer)).toMatchObject({ status: 'posted', amount: '7', failure: null });
  });
});
