import { newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const HELD_OFF = { prefer: 'wait=0' };
let stage: Stage;
let alice: string;
let bob: string;

beforeAll(async () => {
  stage = await openStage();
  [alice, bob] = [await stage.client.open(), await stage.client.open()];
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const terms = () => ({ debit_account: alice, credit_account: bob, amount: '100', asset: 'USD' });
const posted = async () =>
  (await stage.client.post(TRANSFERS, { ...terms(), metadata: { order: '7' } })).body as { id: string };
const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
  stage.client.patch(`${TRANSFERS}/${id}`, body, headers);
const read = (id: string) => stage.client.get(`${TRANSFERS}/${id}`);
const tagOf = async (id: string) => (await read(id)).headers.get('etag') ?? '';

it('changes after the transfer was posted, and nothing else of it', async () => {
  const transfer = await posted();
  const before = await tagOf(transfer.id);
  const { status, body } = await patch(transfer.id, { metadata: { order: '8', note: 'late' } }, { 'if-match': before });
  expect([status, body]).toEqual([200, { ...transfer, metadata: { order: '8', note: 'late' } }]);
  expect((await read(transfer.id)).body).toEqual(body);
  expect(await tagOf(transfer.id)).not.toBe(before);
  expect((await patch(transfer.id, { metadata: {} })).body).toEqual({ ...transfer, metadata: {} });
});

it('is refused where the transfer is not as it was seen, its reversals included', async () => {
  const { id } = await posted();
  const seen = await tagOf(id);
  expect((await patch(id, { metadata: { a: '1' } }, { 'if-match': seen })).status).toBe(200);
  const before = await countRows(stage.db);
  expect(told(await patch(id, { metadata: { a: '2' } }, { 'if-match': seen }))).toBe('412 version_differs');
  expect(await countRows(stage.db)).toEqual(before);
  const now = await tagOf(id);
  await stage.client.post(`${TRANSFERS}/${id}/reverse`, { amount: '1' });
  expect(told(await patch(id, { metadata: { a: '2' } }, { 'if-match': now }))).toBe('412 version_differs');
  const key = { 'idempotency-key': newId('event'), 'if-match': await tagOf(id) };
  const first = await patch(id, { metadata: { a: '2' } }, key);
  const again = await patch(id, { metadata: { a: '2' } }, key);
  expect([first.status, again.text, again.headers.get('idempotency-replayed')]).toEqual([200, first.text, 'true']);
});

it('that two change at once is changed by the one that the ledger heard first', async () => {
  const { id } = await posted();
  const seen = { 'if-match': await tagOf(id), ...HELD_OFF };
  stage.house.answering = false;
  const keys = [newId('event'), newId('event')] as const;
  const change = (at: 0 | 1, wait: object) =>
    patch(id, { metadata: { at: String(at) } }, { ...seen, ...wait, 'idempotency-key': keys[at] });
  expect([(await change(0, {})).status, (await change(1, {})).status]).toEqual([202, 202]);
  stage.house.answering = true;
  expect((await change(0, { prefer: 'wait=10' })).body['metadata']).toEqual({ at: '0' });
  const second = await change(1, { prefer: 'wait=10' });
  expect(told(second)).toBe('412 version_differs');
  expect(second.body).toMatchObject({ instance: `${TRANSFERS}/${id}`, transfer: { id, metadata: { at: '0' } } });
});

it.each<[what: string, body: unknown, headers: Record<string, string>, expected: string]>([
  ['without metadata', {}, {}, '400 invalid_request'],
  ['with null', { metadata: null }, {}, '400 invalid_request'],
  ['with a number in it', { metadata: { a: 1 } }, {}, '400 invalid_request'],
  ['with a text too long', { metadata: { a: 'a'.repeat(501) } }, {}, '400 invalid_request'],
  ['with an amount', { metadata: {}, amount: '1' }, {}, '400 invalid_request'],
  ['with a tag that is none', { metadata: {} }, { 'if-match': '"x"' }, '400 invalid_header'],
  ['without a key', { metadata: {} }, { 'idempotency-key': '' }, '400 idempotency_key_missing'],
])('is refused %s, and leaves no row and no message', async (_what, body, headers, expected) => {
  const { id } = await posted();
  const before = await countRows(stage.db);
  expect(told(await patch(id, body, headers))).toBe(expected);
  expect(await countRows(stage.db)).toEqual(before);
});

it("is changed of one's own posted transfers alone", async () => {
  const { id } = await posted();
  const payment = { source: alice, destination: bob, amount: '5', asset: 'USD' };
  const paid = (await stage.client.post('/api/v1/payments', payment)).body['id'] as string;
  stage.house.answering = false;
  const pending = (await stage.client.post(TRANSFERS, terms(), HELD_OFF)).body['id'] as string;
  const before = await countRows(stage.db);
  const metadata = { a: '1' };
  expect(told(await patch(pending, { metadata }))).toBe('409 transfer_not_posted');
  expect(told(await patch(paid.replace('pay_', 'tr_'), { metadata }))).toBe('409 transfer_of_payment');
  expect(told(await patch(newId('transfer'), { metadata }))).toBe('404 not_found');
  expect(told(await patch('tr_x', { metadata }))).toBe('400 invalid_id');
  const stranger = await Client.of(stage.db, stage.gateway.base);
  expect(told(await stranger.patch(`${TRANSFERS}/${id}`, { metadata }))).toBe('404 not_found');
  const blind = await stage.client.withKey(stage.db, ['transfers:read']);
  expect(told(await blind.patch(`${TRANSFERS}/${id}`, { metadata }))).toBe('403 forbidden');
  expect(await countRows(stage.db)).toEqual(before);
});
