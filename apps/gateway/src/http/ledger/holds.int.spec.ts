import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const HOLDS = '/api/v1/holds';
const HELD_OFF = { prefer: 'wait=0' };
let stage: Stage;
let alice: string;
let bob: string;
let pauper: string;

beforeAll(async () => {
  stage = await openStage();
  const { client, house } = stage;
  [alice, bob, pauper] = [await client.open(), await client.open(), await client.open()];
  house.empty.add(pauper);
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const terms = (more: Record<string, unknown> = {}) => ({
  debit_account: alice,
  credit_account: bob,
  amount: '100',
  asset: 'USD',
  ...more,
});
const place = (more: Record<string, unknown> = {}, headers: Record<string, string> = {}) =>
  stage.client.post(HOLDS, terms(more), headers);
const placed = async (more: Record<string, unknown> = {}) => (await place(more)).body['id'] as string;
const post = (id: string, body: object = {}, headers: Record<string, string> = {}) =>
  stage.client.post(`${HOLDS}/${id}/post`, body, headers);
const end = (id: string, headers: Record<string, string> = {}) => stage.client.post(`${HOLDS}/${id}/void`, {}, headers);
const read = async (path: string) => (await stage.client.get(path)).body;
const sums = async (id: string) => {
  const { available, pending_debits, pending_credits, balance } = await read(`/api/v1/accounts/${id}`);
  return [available, pending_debits, pending_credits, balance].map(Number);
};
const moved = (after: number[], before: number[]) => after.map((sum, at) => sum - (before[at] ?? 0));

describe('a hold', () => {
  it('is answered 201 when the money is set aside, and both accounts show it', async () => {
    const before = [await sums(alice), await sums(bob)];
    const expires_at = '2999-01-01T00:00:00.000Z';
    const { status, headers, body } = await place({ expires_at });
    expect(status).toBe(201);
    expect(body).toEqual({
      id: body['id'],
      object: 'hold',
      status: 'pending',
      ...terms(),
      posted: '0',
      expires_at,
      payment: null,
      type: null,
      transfer: null,
      failure: null,
      livemode: false,
      version: 1,
      trace_id: body['trace_id'],
      created_at: body['created_at'],
      updated_at: body['updated_at'],
    });
    expect(headers.get('location')).toBe(`${HOLDS}/${body['id'] as string}`);
    expect(await read(`${HOLDS}/${body['id'] as string}`)).toEqual(body);
    expect(moved(await sums(alice), before[0] ?? [])).toEqual([-100, 100, 0, 0]);
    expect(moved(await sums(bob), before[1] ?? [])).toEqual([0, 0, 100, 0]);
  });

  it('is requested until the ledger has set the money aside, and cannot be ended before', async () => {
    stage.house.answering = false;
    const { status, headers, body } = await place({}, HELD_OFF);
    expect([status, body['status'], body['version']]).toEqual([202, 'requested', 0]);
    const location = headers.get('location') as string;
    expect(await read(location)).toEqual(body);
    const before = await countRows(stage.db);
    expect(told(await stage.client.post(`${location}/post`, {}))).toBe('409 hold_not_pending');
    expect(told(await stage.client.post(`${location}/void`, {}))).toBe('409 hold_not_pending');
    expect(await countRows(stage.db)).toEqual(before);
    stage.house.answering = true;
    await until('it is placed', async () => (await read(location))['status'] === 'pending');
  });

  it('that the ledger refuses answers 402, is kept as failed, and cannot be ended', async () => {
    const { status, headers, body } = await place({ debit_account: pauper });
    expect([status, body['code']]).toEqual([402, 'insufficient_funds']);
    expect(body).toMatchObject({ instance: HOLDS, request_id: headers.get('request-id') });
    const hold = body['hold'] as { id: string };
    expect(hold).toMatchObject({ status: 'failed', failure: { code: 'insufficient_funds' } });
    const shown = await stage.client.get(headers.get('location') as string);
    expect([shown.body, shown.headers.get('etag')]).toEqual([hold, 'W/"1"']);
    expect(told(await post(hold.id))).toBe('409 hold_not_pending');
  });

  it('that would be over already is refused, but a copy that comes late finds its answer', async () => {
    const before = await countRows(stage.db);
    expect(told(await place({ expires_at: new Date().toISOString() }))).toBe('422 expires_at_past');
    expect(await countRows(stage.db)).toEqual(before);
    const expires_at = new Date(Date.now() + 1_500).toISOString();
    const key = { 'idempotency-key': newId('event') };
    const first = await place({ expires_at }, key);
    expect(first.status).toBe(201);
    await until('its time is over', () => new Date().toISOString() > expires_at);
    const again = await place({ expires_at }, key);
    expect([again.status, again.text]).toEqual([201, first.text]);
    expect(told(await place({ expires_at, amount: '1' }, key))).toBe('422 idempotency_key_reused');
  });

  it('may have the id that the client chose, once', async () => {
    const id = newId('hold');
    expect((await place({ id })).body['id']).toBe(id);
    expect(told(await place({ id, amount: '1' }))).toBe('422 id_reused');
  });
});

describe('a posting', () => {
  it('books the whole hold by a transfer that can be read', async () => {
    const before = await sums(alice);
    const id = await placed();
    const { status, body } = await post(id);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id, status: 'posted', posted: '100', version: 2 });
    expect(await read(`${HOLDS}/${id}`)).toEqual(body);
    const transfer = await read(`/api/v1/transfers/${body['transfer'] as string}`);
    expect(transfer).toMatchObject({ ...terms(), status: 'posted', hold: id, group: null, reverses: null });
    expect(moved(await sums(alice), before)).toEqual([-100, 0, 0, -100]);
  });

  it('of a part may leave the rest for another, and the last ends it', async () => {
    const id = await placed();
    const first = await post(id, { amount: '30', final: false });
    expect(first.body).toMatchObject({ status: 'pending', posted: '30' });
    const second = await post(id, { amount: '20' });
    expect(second.body).toMatchObject({ status: 'posted', posted: '50', version: 3 });
    const { data } = await read(`/api/v1/transfers?hold=${id}`);
    expect((data as { id: string; amount: string }[]).map(({ id: own, amount }) => [own, amount])).toEqual([
      [second.body['transfer'], '20'],
      [first.body['transfer'], '30'],
    ]);
  });

  it('that the ledger refuses answers 409 with the hold, and leaves its transfer failed', async () => {
    const id = await placed();
    const { status, body } = await post(id, { amount: '101' });
    expect([status, body['code'], body['instance']]).toEqual([409, 'hold_exceeded', `${HOLDS}/${id}/post`]);
    expect(body['hold']).toMatchObject({ id, status: 'pending', posted: '0', transfer: null });
    const { data } = await read(`/api/v1/transfers?hold=${id}`);
    expect(data).toMatchObject([{ status: 'failed', failure: { code: 'hold_exceeded', leg: null } }]);
    await end(id);
    expect(told(await post(id))).toBe('409 hold_not_pending');
  });

  it('is answered 202 with the transfer to come', async () => {
    const id = await placed();
    stage.house.answering = false;
    const key = { 'idempotency-key': newId('event') };
    const { status, headers, body } = await post(id, {}, { ...key, ...HELD_OFF });
    expect([status, headers.get('location')]).toEqual([202, `${HOLDS}/${id}`]);
    expect(body).toMatchObject({ id, status: 'pending', posted: '0' });
    const transfer = `/api/v1/transfers/${body['transfer'] as string}`;
    expect(await read(transfer)).toMatchObject({ status: 'pending', amount: '100', hold: id });
    expect((await post(id, {}, { ...key, ...HELD_OFF })).body['transfer']).toBe(body['transfer']);
    stage.house.answering = true;
    await until('it is posted', async () => (await read(transfer))['status'] === 'posted');
    expect((await post(id, {}, key)).body['transfer']).toBe(body['transfer']);
  });
});

describe('a voiding', () => {
  it('gives back what is still held', async () => {
    const before = await sums(alice);
    const id = await placed();
    await post(id, { amount: '30', final: false });
    const { status, body } = await end(id);
    expect([status, body['status'], body['posted'], body['version']]).toEqual([200, 'voided', '30', 3]);
    expect(moved(await sums(alice), before)).toEqual([-30, 0, 0, -30]);
    expect(await read(`${HOLDS}/${id}`)).toEqual(body);
  });

  it('of a hold that has ended answers 409', async () => {
    const id = await placed();
    await post(id);
    const { status, body } = await end(id);
    expect([status, body['code'], body['instance']]).toEqual([409, 'hold_not_pending', `${HOLDS}/${id}/void`]);
    expect(body['hold']).toMatchObject({ id, status: 'posted' });
  });

  it('is done once, whichever of two comes first', async () => {
    const id = await placed();
    const answers = await Promise.all([end(id), end(id), post(id)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect((await countRows(stage.db)).pending).toBe(0);
  });

  it('is answered 202 with the hold as it stands', async () => {
    const id = await placed();
    stage.house.answering = false;
    const { status, headers, body } = await end(id, HELD_OFF);
    expect([status, headers.get('location'), body['status']]).toEqual([202, `${HOLDS}/${id}`, 'pending']);
    stage.house.answering = true;
    await until('it is voided', async () => (await read(`${HOLDS}/${id}`))['status'] === 'voided');
  });
});

describe('a key', () => {
  it('replays placing, posting, voiding and their refusals byte for byte', async () => {
    const [one, other] = [await placed(), await placed()];
    const requests: [string, object][] = [
      [HOLDS, terms()],
      [HOLDS, terms({ debit_account: pauper })],
      [`${HOLDS}/${one}/post`, { amount: '1' }],
      [`${HOLDS}/${one}/post`, {}],
      [`${HOLDS}/${other}/void`, {}],
      [`${HOLDS}/${one}/void`, {}],
    ];
    const statuses: number[] = [];
    for (const [path, body] of requests) {
      const key = { 'idempotency-key': newId('event') };
      const [first, again] = [await stage.client.post(path, body, key), await stage.client.post(path, body, key)];
      expect([again.status, again.text]).toEqual([first.status, first.text]);
      expect(again.headers.get('idempotency-replayed')).toBe('true');
      statuses.push(first.status);
    }
    expect(statuses).toEqual([201, 402, 200, 409, 200, 409]);
  });
});

describe('the list', () => {
  it('is filtered by account on either side and by status', async () => {
    const { client } = stage;
    const [dora, emil] = [await client.open(), await client.open()];
    const between = { debit_account: dora, credit_account: emil };
    const made = [await placed(between), await placed({ debit_account: emil, credit_account: dora })];
    await end(made[0] ?? '');
    const ids = async (query: string) =>
      ((await read(`${HOLDS}?${query}`))['data'] as { id: string }[]).map(({ id }) => id);
    expect(await ids(`account=${dora}`)).toEqual([made[1], made[0]]);
    expect(await ids(`account=${emil}&status=voided`)).toEqual([made[0]]);
    expect(await ids(`account=${emil}&status=pending&limit=1`)).toEqual([made[1]]);
  });
});

it('that a payment has placed is not ended here: the payment would not know, and could not be captured', async () => {
  const [id, payment, ours] = [newId('hold'), newId('payment'), await placed()];
  const placing = await until('a command is there', () => stage.house.commands.find(({ subject }) => subject === ours));
  await stage.house.publish('payflow.hold.placed.v1', justPlaced(id, payment), { ...placing, id: newId('event') });
  await until('it is shown', async () => (await stage.client.get(`${HOLDS}/${id}`)).status === 200);
  const before = await countRows(stage.db);
  for (const refused of [await post(id), await post(id, { amount: '1', final: false }), await end(id)]) {
    expect(told(refused)).toBe('409 hold_of_payment');
    expect(refused.body['detail']).toContain(payment);
  }
  expect(await countRows(stage.db)).toEqual(before);
});

/** A hold of 100 as the ledger tells of it. */
function justPlaced(id: string, payment: string | null) {
  const account = (of: string) => ({
    id: of,
    asset: 'USD',
    kind: 'liability' as const,
    state: 'open' as const,
    overdraft: 'none' as const,
    overdraft_limit: '0',
    posted_debits: '0',
    posted_credits: '0',
    pending_debits: '0',
    pending_credits: '0',
    version: 1,
  });
  return {
    id,
    payment,
    status: 'pending' as const,
    amount: '100',
    posted: '0',
    asset: 'USD',
    expires_at: null,
    version: 1,
    debit_account: account(alice),
    credit_account: account(bob),
    recorded_at: new Date().toISOString(),
  };
}

describe('an event', () => {
  it('that comes late never overwrites a newer one', async () => {
    const id = await placed();
    const { body } = await post(id);
    const placing = await until('the command is there', () =>
      stage.house.commands.find(({ subject }) => subject === id),
    );
    const before = await sums(alice);
    const late = justPlaced(id, null);
    await stage.house.publish('payflow.hold.placed.v1', late, { ...placing, id: newId('event') });
    const marker = await placed();
    await end(marker);
    expect(await read(`${HOLDS}/${id}`)).toEqual(body);
    expect(await sums(alice)).toEqual(before);
  });
});

it('keeps to a type that it names, and so do its postings; a reversal and a correction name their own', async () => {
  const { client } = stage;
  for (const id of ['stay', 'refund']) await client.post('/api/v1/transaction_types', { id });
  const placing = await place({ type: 'stay', expires_at: '2999-01-01T00:00:00Z' });
  expect([placing.status, placing.body['type']]).toEqual([201, 'stay']);
  const id = placing.body['id'] as string;
  const { transfer } = (await post(id, { amount: '60' })).body as { transfer: string };
  expect(await read(`/api/v1/transfers/${transfer}`)).toMatchObject({ type: 'stay', hold: id });
  expect(await read(`${HOLDS}?type=stay`)).toMatchObject({ data: [{ id }], next_cursor: null });
  expect(await read(`${HOLDS}?type=refund`)).toEqual({ data: [], next_cursor: null });
  const back = await client.post(`/api/v1/transfers/${transfer}/reverse`, { amount: '10', type: 'refund' });
  expect([back.status, back.body['type']]).toEqual([201, 'refund']);
  const correct = (body: object) => client.post(`/api/v1/transfers/${transfer}/correct`, body);
  const other = await correct({ amount: '40' });
  expect([other.status, other.body['type']]).toEqual([201, 'stay']);
  expect((await read('/api/v1/transfers?type=stay'))['data']).toMatchObject([
    { id: other.body['id'] },
    { id: transfer },
  ]);
});

it.each([
  ['a hold', () => place({ type: 'No' })],
  ['a hold', () => place({ type: 7 })],
  ['a reversal', () => stage.client.post(`/api/v1/transfers/${newId('transfer')}/reverse`, { type: '' })],
])('refuses a type that is none, of %s', async (_what, ask) => {
  const before = await countRows(stage.db);
  expect(told(await ask())).toMatch(/^(400 invalid_request|404 not_found)$/);
  expect(await countRows(stage.db)).toEqual(before);
});
