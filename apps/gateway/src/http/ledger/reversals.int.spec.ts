import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { countRows } from '../../testing/gateway-under-test.js';
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

const move = (headers: Record<string, string> = {}) =>
  stage.client.post(TRANSFERS, { debit_account: alice, credit_account: bob, amount: '100', asset: 'USD' }, headers);
const posted = async () => (await move()).body['id'] as string;
const reverse = (id: string, body: object = {}, headers: Record<string, string> = {}) =>
  stage.client.post(`${TRANSFERS}/${id}/reverse`, body, headers);
const read = async (id: string) => (await stage.client.get(`${TRANSFERS}/${id}`)).body;

it('moves all of a transfer back by another one', async () => {
  const original = await posted();
  const before = (await stage.client.get(`${TRANSFERS}/${original}`)).headers.get('etag');
  const id = newId('transfer');
  const { status, headers, body } = await reverse(original, { id, metadata: { why: 'error' } });
  expect(status).toBe(201);
  expect(body).toMatchObject({
    id,
    status: 'posted',
    debit_account: bob,
    credit_account: alice,
    amount: '100',
    asset: 'USD',
    reverses: original,
    group: null,
    metadata: { why: 'error' },
  });
  expect(headers.get('location')).toBe(`${TRANSFERS}/${id}`);
  expect(await read(id)).toEqual(body);
  const shown = await stage.client.get(`${TRANSFERS}/${original}`);
  expect([shown.body['status'], shown.body['reversed']]).toEqual(['posted', '100']);
  expect(shown.headers.get('etag')).not.toBe(before);
});

it('moves parts back until nothing is left, and is refused more', async () => {
  const original = await posted();
  expect((await reverse(original, { amount: '30' })).body['amount']).toBe('30');
  expect((await read(original))['reversed']).toBe('30');
  const { status, headers, body } = await reverse(original, { amount: '71' });
  expect([status, body['code']]).toEqual([409, 'reversal_exceeds_original']);
  expect(body['instance']).toBe(`${TRANSFERS}/${original}/reverse`);
  const failed = body['transfer'] as { id: string };
  expect(failed).toMatchObject({ status: 'failed', failure: { code: 'reversal_exceeds_original', leg: null } });
  expect(await read(failed.id)).toEqual(failed);
  expect(headers.get('location')).toBe(`${TRANSFERS}/${failed.id}`);
  expect((await reverse(original)).body['amount']).toBe('70');
  expect((await read(original))['reversed']).toBe('100');
  expect(told(await reverse(original))).toBe('409 reversal_exceeds_original');
});

it('of a leg is shown in its group too', async () => {
  const leg = { debit_account: alice, credit_account: bob, amount: '10', asset: 'USD' };
  const { body } = await stage.client.post(TRANSFERS, { legs: [leg, leg] });
  const [, second] = body['transfers'] as { id: string }[];
  const path = `/api/v1/transfer_groups/${body['id'] as string}`;
  const before = (await stage.client.get(path)).headers.get('etag');
  await reverse(second?.id ?? '', { amount: '4' });
  const shown = await stage.client.get(path);
  expect(shown.body['transfers']).toMatchObject([{ reversed: '0' }, { reversed: '4' }]);
  expect(shown.headers.get('etag')).not.toBe(before);
});

it('of a transfer that has not ended, or has failed, is refused at the door', async () => {
  stage.house.answering = false;
  const pending = (await move(HELD_OFF)).body['id'] as string;
  const before = await countRows(stage.db);
  expect(told(await reverse(pending))).toBe('409 transfer_not_posted');
  expect(await countRows(stage.db)).toEqual(before);
  stage.house.answering = true;
  await until('it has ended', async () => (await read(pending))['status'] === 'posted');
  expect(told(await reverse(pending))).toBe('201');
  const pauper = await stage.client.open();
  stage.house.empty.add(pauper);
  const { body } = await stage.client.post(TRANSFERS, {
    debit_account: pauper,
    credit_account: bob,
    amount: '1',
    asset: 'USD',
  });
  expect(told(await reverse((body['transfer'] as { id: string }).id))).toBe('409 transfer_not_posted');
});

it('is replayed byte for byte, and answered 202 when it takes long', async () => {
  const original = await posted();
  const key = { 'idempotency-key': newId('event') };
  stage.house.answering = false;
  const early = await reverse(original, {}, { ...key, ...HELD_OFF });
  expect([early.status, early.body['status'], early.body['amount']]).toEqual([202, 'pending', '100']);
  expect(await read(early.body['id'] as string)).toEqual(early.body);
  stage.house.answering = true;
  const first = await reverse(original, {}, { ...key, prefer: 'wait=10' });
  const again = await reverse(original, {}, key);
  expect([first.status, first.body['id'], again.text]).toEqual([201, early.body['id'], first.text]);
});

it("of a payment's own transfer is refused: the payment would not know", async () => {
  const terms = { amount: '5', asset: 'USD', source: alice, destination: bob };
  const payment = (await stage.client.post('/api/v1/payments', terms)).body['id'] as string;
  const before = await countRows(stage.db);
  const refused = await reverse(payment.replace('pay_', 'tr_'));
  expect(told(refused)).toBe('409 transfer_of_payment');
  expect(refused.body['detail']).toContain(payment);
  stage.house.empty.add(alice);
  const failed = (await stage.client.post('/api/v1/payments', terms)).body['payment'] as { id: string };
  stage.house.empty.delete(alice);
  expect(told(await reverse(failed.id.replace('pay_', 'tr_')))).toBe('404 not_found');
  expect(told(await reverse(newId('transfer')))).toBe('404 not_found');
  expect(await countRows(stage.db)).toMatchObject({ transfers: before.transfers, pending: before.pending });
});
