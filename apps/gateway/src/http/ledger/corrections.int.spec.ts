import { newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { keepBooks, type Books } from '../../testing/books.js';
import { Client, countRows } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const TRANSFERS = '/api/v1/transfers';
const HELD_OFF = { prefer: 'wait=0' };
let stage: Stage;
let alice: string;
let bob: string;
let carol: string;

beforeAll(async () => {
  stage = await openStage();
  [alice, bob, carol] = [await stage.client.open(), await stage.client.open(), await stage.client.open()];
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const terms = () => ({ debit_account: alice, credit_account: bob, amount: '100', asset: 'USD' });
const posted = async () => (await stage.client.post(TRANSFERS, terms())).body['id'] as string;
const correct = (id: string, body: unknown, headers: Record<string, string> = {}) =>
  stage.client.post(`${TRANSFERS}/${id}/correct`, body, headers);
const read = async (id: unknown) => (await stage.client.get(`${TRANSFERS}/${id as string}`)).body;
const reversalOf = async (original: string) => {
  const { body } = await stage.client.get(`${TRANSFERS}?account=${alice}&limit=200`);
  return (body['data'] as Record<string, unknown>[]).find(({ reverses }) => reverses === original);
};

it('books another transfer in the place of one, and moves that back; they name each other', async () => {
  const original = await posted();
  const before = await stage.client.get(`${TRANSFERS}/${original}`);
  const id = newId('transfer');
  const { status, headers, body } = await correct(original, { id, amount: '90', metadata: { why: 'typo' } });
  expect([status, headers.get('location')]).toEqual([201, `${TRANSFERS}/${id}`]);
  const terms = { debit_account: alice, credit_account: bob, amount: '90', asset: 'USD', status: 'posted' };
  const links = { corrects: original, corrected_by: null, reverses: null, group: null, metadata: { why: 'typo' } };
  expect(body).toMatchObject({ id, ...terms, ...links });
  expect(await read(id)).toEqual(body);
  const shown = await stage.client.get(`${TRANSFERS}/${original}`);
  expect(shown.body).toEqual({ ...before.body, reversed: '100', corrected_by: id });
  expect(shown.headers.get('etag')).not.toBe(before.headers.get('etag'));
  const back = { debit_account: bob, credit_account: alice, amount: '100', metadata: {}, corrects: null, group: null };
  expect(await reversalOf(original)).toMatchObject(back);
});

it('changes what it is told to, and nothing else', async () => {
  const then = '2026-01-15T00:00:00.000Z';
  const moved = (await correct(await posted(), { credit_account: carol, effective_at: then })).body;
  expect(moved).toMatchObject({ debit_account: alice, credit_account: carol, amount: '100', effective_at: then });
});

it('takes nothing again that was given back: of what is left, where it names no amount', async () => {
  const original = await posted();
  await stage.client.post(`${TRANSFERS}/${original}/reverse`, { amount: '30' });
  const { status, body } = await correct(original, { credit_account: carol });
  expect([status, body['amount'], body['credit_account']]).toEqual([201, '70', carol]);
  // It names what it wants: the whole, and not what is left.
  const other = await posted();
  await stage.client.post(`${TRANSFERS}/${other}/reverse`, { amount: '30' });
  expect((await correct(other, { amount: '100' })).body['amount']).toBe('100');
  const back = await reversalOf(other);
  expect(told(await correct(back?.['id'] as string, { amount: '1' }))).toBe('409 transfer_is_reversal');
  expect(told(await stage.client.post(`${TRANSFERS}/${back?.['id'] as string}/reverse`, {}))).toBe(
    '409 transfer_is_reversal',
  );
});

it('is made once; the one in its place can be corrected in turn', async () => {
  const original = await posted();
  const first = (await correct(original, { amount: '90' })).body;
  const second = await correct(original, { amount: '80' });
  expect(told(second)).toBe('409 transfer_corrected');
  expect(second.body['instance']).toBe(`${TRANSFERS}/${original}/correct`);
  expect(second.body['transfer']).toMatchObject({ status: 'failed', corrects: original, amount: '80' });
  expect(await read(original)).toMatchObject({ corrected_by: first['id'] });
  expect(told(await stage.client.post(`${TRANSFERS}/${original}/reverse`, {}))).toBe('409 reversal_exceeds_original');
  expect((await correct(first['id'] as string, { amount: '70' })).body).toMatchObject({ corrects: first['id'] });
});

it('is listed by what it is made for, and by its metadata', async () => {
  const original = await posted();
  const why = newId('event');
  const { id } = (await correct(original, { amount: '90', metadata: { why, by: 'me' } })).body;
  const list = async (query: string) => {
    const { body } = await stage.client.get(`${TRANSFERS}?limit=200&${query}`);
    return (body['data'] as Record<string, unknown>[]).map((one) => [one['id'], one['kind']]);
  };
  expect(await list(`metadata[why]=${why}`)).toEqual([[id, 'correction']]);
  expect(await list(`metadata[why]=${why}&metadata[by]=you`)).toEqual([]);
  expect(await list(`kind=correction&metadata[by]=me`)).toEqual([[id, 'correction']]);
  expect(await list('kind=correction')).toContainEqual([id, 'correction']);
  expect(await list(`kind=plain&account=${bob}`)).toContainEqual([original, 'plain']);
  const reversals = await list(`kind=reversal&account=${bob}`);
  expect(reversals).toContainEqual([(await reversalOf(original))?.['id'], 'reversal']);
  expect(told(await stage.client.get(`${TRANSFERS}?kind=refund`))).toBe('400 invalid_parameter');
  await stage.client.patch(`${TRANSFERS}/${id as string}`, { metadata: { by: 'you' } });
  expect(await list(`metadata[why]=${why}`)).toEqual([]);
});

it('is replayed byte for byte, and answered 202 when it takes long', async () => {
  const original = await posted();
  const key = { 'idempotency-key': newId('event') };
  stage.house.answering = false;
  const early = await correct(original, { amount: '90' }, { ...key, ...HELD_OFF });
  expect([early.status, early.body['status'], early.body['corrects']]).toEqual([202, 'pending', original]);
  expect(await read(early.body['id'])).toEqual(early.body);
  expect(await read(original)).toMatchObject({ reversed: '0', corrected_by: null });
  stage.house.answering = true;
  const first = await correct(original, { amount: '90' }, { ...key, prefer: 'wait=10' });
  const again = await correct(original, { amount: '90' }, key);
  expect([first.status, first.body['id'], again.text]).toEqual([201, early.body['id'], first.text]);
});

describe('is refused, and leaves no row and no message,', () => {
  let own: Books;
  let foreign: Books;
  beforeAll(async () => {
    own = await keepBooks(stage.client);
    foreign = await keepBooks(await Client.of(stage.db, stage.gateway.base));
  });

  it.each<[what: string, body: () => unknown, expected: string]>([
    ['where it changes nothing', () => ({}), '400 invalid_request'],
    ['where it changes metadata alone', () => ({ metadata: { a: 'b' } }), '400 invalid_request'],
    ['with an unknown field', () => ({ amount: '1', up_to: true }), '400 invalid_request'],
    ['to a number', () => ({ amount: 5 }), '400 invalid_request'],
    ['to nothing', () => ({ amount: '0' }), '422 amount_not_positive'],
    ['beyond counting', () => ({ amount: '9223372036854775808' }), '400 invalid_request'],
    ['to one account', () => ({ credit_account: own.alice }), '422 accounts_identical'],
    ['to an account of nobody', () => ({ credit_account: newId('account') }), '422 account_not_found'],
    ["to a stranger's account", () => ({ credit_account: foreign.bob }), '422 account_not_found'],
    ['to an account of another asset', () => ({ credit_account: own.euros }), '422 assets_differ'],
    ['to an unknown asset', () => ({ asset: 'XXX' }), '422 asset_unknown'],
    ['to a unit that is not defined', () => ({ asset: 'NOSUCH' }), '422 asset_unknown'],
    ['for the future', () => ({ effective_at: '2999-01-01T00:00:00Z' }), '422 effective_in_future'],
    ['for no day', () => ({ effective_at: '2026-02-30T00:00:00Z' }), '400 invalid_request'],
    ['under an id that is taken', () => ({ id: own.transfer, amount: '1' }), '422 id_reused'],
    ['under an id that is none', () => ({ id: own.hold, amount: '1' }), '400 invalid_request'],
    ['as an array', () => [], '400 invalid_request'],
  ])('%s', async (_what, body, expected) => {
    const before = await countRows(stage.db);
    expect(told(await correct(own.transfer, body()))).toBe(expected);
    expect(await countRows(stage.db)).toEqual(before);
  });

  it('of what cannot be corrected', async () => {
    stage.house.answering = false;
    const pending = (await stage.client.post(TRANSFERS, terms(), HELD_OFF)).body['id'] as string;
    const before = await countRows(stage.db);
    expect(told(await correct(pending, { amount: '1' }))).toBe('409 transfer_not_posted');
    expect(told(await correct(foreign.transfer, { amount: '1' }))).toBe('404 not_found');
    expect(told(await correct('tr_x', { amount: '1' }))).toBe('400 invalid_id');
    expect(told(await correct(own.transfer, { amount: '1' }, { 'if-match': 'x' }))).toBe('400 invalid_header');
    const blind = await stage.client.withKey(stage.db, ['transfers:read']);
    expect(told(await blind.post(`${TRANSFERS}/${own.transfer}/correct`, { amount: '1' }))).toBe('403 forbidden');
    expect(await countRows(stage.db)).toEqual(before);
  });
});
