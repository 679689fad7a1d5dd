import { newId } from '@payflow/contracts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Client } from '../../testing/gateway-under-test.js';
import { openStage, told, type Stage } from '../../testing/stage.js';

const BULK = '/api/v1/transfers/bulk';
const ITEMS = 1_203;
let stage: Stage;
let id: string;
let whole: Record<string, unknown>[];
let good: Record<string, string>;

beforeAll(async () => {
  stage = await openStage();
  const { client } = stage;
  good = { debit_account: await client.open(), credit_account: await client.open(), amount: '1', asset: 'USD' };
  // Every tenth is wrong.
  const transfers = Array.from({ length: ITEMS }, (_, at) => ({ ...good, amount: at % 10 === 0 ? '0' : String(at) }));
  const answer = await client.post(BULK, { mode: 'independent', transfers }, { prefer: 'wait=10' });
  expect(answer.status).toBe(200);
  id = answer.body['id'] as string;
  whole = answer.body['results'] as Record<string, unknown>[];
  expect(whole).toHaveLength(ITEMS);
});
afterAll(() => stage?.close());
afterEach(() => {
  stage.house.answering = true;
});

const read = (query = '', headers: Record<string, string> = {}) =>
  stage.client.get(`${BULK}/${id}/results${query}`, headers);

describe('the results of a bulk', () => {
  it('are read page by page, each once, in the order asked', async () => {
    const all: unknown[] = [];
    let cursor: unknown = '';
    for (; typeof cursor === 'string';) {
      const { status, body } = await read(`?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(status).toBe(200);
      all.push(...(body['data'] as unknown[]));
      cursor = body['next_cursor'];
    }
    expect(all).toEqual(whole);
  });

  it('are read as lines, with the next page in Link', async () => {
    const first = await read('?limit=3', { accept: 'application/x-ndjson' });
    expect(first.text).toBe(
      whole
        .slice(0, 3)
        .map((one) => `${JSON.stringify(one)}\n`)
        .join(''),
    );
    const [, next = ''] = /^<(.+)>; rel="next"$/.exec(first.headers.get('link') ?? '') ?? [];
    const second = await stage.client.get(next, { accept: 'application/x-ndjson' });
    expect(second.text.split('\n')[0]).toBe(JSON.stringify(whole[3]));
  });

  it('are told as they stand while it is on its way', async () => {
    stage.house.answering = false;
    const item = { ...good, amount: '5' };
    const answer = await stage.client.post(BULK, { mode: 'independent', transfers: [item] }, { prefer: 'wait=0' });
    const standing = await stage.client.get(`${BULK}/${answer.body['id'] as string}/results`);
    expect(standing.body).toMatchObject({ data: [{ index: 0, status: 'pending', amount: '5' }], next_cursor: null });
  });

  it('tell of an item whose member has a name that is cut within a character', async () => {
    const item = { ...good, [`${'x'.repeat(63)}😀😀`]: '1' };
    const answer = await stage.client.post(BULK, { mode: 'independent', transfers: [item] }, { prefer: 'wait=10' });
    const all = await stage.client.get(`${BULK}/${answer.body['id'] as string}/results`);
    expect([all.status, all.body['data']]).toEqual([200, answer.body['results']]);
    expect(all.body['data']).toMatchObject([{ error: { errors: [{ pointer: `/${'x'.repeat(63)}` }] } }]);
  });

  it('are of no other tenant, and no cursor of another list is good for them', async () => {
    const stranger = await Client.of(stage.db, stage.gateway.base);
    expect(told(await stranger.get(`${BULK}/${id}/results`))).toBe('404 not_found');
    const cursor = (await read('?limit=1')).body['next_cursor'] as string;
    const other = await stage.client.post(BULK, { mode: 'independent', transfers: [good] }, { prefer: 'wait=10' });
    const path = `${BULK}/${other.body['id'] as string}/results?cursor=${cursor}`;
    expect(told(await stage.client.get(path))).toBe('400 cursor_mismatch');
    expect(told(await read(`?cursor=${cursor.slice(0, -2)}xx`))).toBe('400 cursor_invalid');
  });

  it.each(['?limit=0', '?limit=201', '?limit=abc', '?cursor=1', '?status=posted', '?limit=1&limit=2'])(
    'refuse %s',
    async (query) => {
      expect(told(await read(query))).toMatch(/^400 (invalid_parameter|cursor_invalid)$/);
    },
  );

  it.each([
    ['no bulk', () => `${BULK}/${newId('bulk')}/results`, '404 not_found'],
    ['what is none', () => `${BULK}/tr_1/results`, '400 invalid_id'],
  ])('are not found of %s', async (_what, path, expected) => {
    expect(told(await stage.client.get(path()))).toBe(expected);
  });
});

it('of a bulk that stops where the ledger refuses, though an item behind that is wrong, are of nobody else’s transfers', async () => {
  const { client, house } = stage;
  const [late, pauper] = [newId('transfer'), await client.open()];
  house.empty.add(pauper);
  const transfers = [good, { ...good, debit_account: pauper }, { ...good, id: late }, { ...good, amount: '0' }, good];
  const answer = await client.post(BULK, { mode: 'stop_on_first', transfers }, { prefer: 'wait=10' });
  const statuses = (answer.body['results'] as { status: string }[]).map(({ status }) => status);
  expect(statuses).toEqual(['posted', 'failed', 'skipped', 'invalid', 'skipped']);
  const other = await client.post(BULK, { mode: 'independent', transfers: [transfers[2]] }, { prefer: 'wait=10' });
  expect(other.body['results']).toMatchObject([{ id: late, status: 'posted' }]);
  expect((await client.get(answer.headers.get('location') ?? '')).text).toBe(answer.text);
});
