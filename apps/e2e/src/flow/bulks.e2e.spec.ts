import { newId, uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBooksInOrder } from '../books/books.js';
import { jsonOf, type Reply } from '../house/api-client.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const PATH = '/api/v1/transfers/bulk';
const ITEMS = 10_000;
const COPIES = 20;
const ANSWERED_WITHIN_MS = 60_000;
const WAIT_S = 10;

interface Bulk {
  readonly id: string;
  readonly counts: Record<string, number>;
  readonly results: readonly {
    readonly id: string;
    readonly status: string;
    readonly error: { code: string } | null;
  }[];
}

describe('bulks of transfers', () => {
  let house: House;
  let merchant: Merchant;

  beforeAll(async () => {
    house = await House.open({ name: 'bulks' });
    merchant = await Merchant.open(house.databases, house.api, 20);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  /** From one account to the next, round and round. */
  const transfers = (count: number, more: Record<string, unknown> = {}) =>
    Array.from({ length: count }, (_, at) => ({
      debit_account: merchant.accounts[at % merchant.accounts.length],
      credit_account: merchant.accounts[(at + 1) % merchant.accounts.length],
      amount: '3',
      asset: 'USD',
      ...more,
    }));
  const request = (mode: string, items: readonly object[]) => ({
    body: JSON.stringify({ mode, transfers: items }),
    idempotencyKey: newId('event'),
    wait_s: WAIT_S,
  });

  /** Sends until it is final; the same key each time. */
  const ended = (options: ReturnType<typeof request>): Promise<Reply & { readonly kind: 'answer' }> =>
    until(
      'the bulk is answered',
      async () => {
        const answer = await merchant.api.call(PATH, options);
        return answer.kind === 'answer' && answer.status !== 202 ? answer : undefined;
      },
      ANSWERED_WITHIN_MS,
    );
  const booked = async () => Number(await house.databases.value('ledger', 'select count(*) from transfers'));
  const known = (id: string) =>
    house.databases.value('ledger', `select count(*) from transfers where id = '${uuidOf('transfer', id)}'`);

  it('post ten thousand transfers, each exactly once', async () => {
    const before = await booked();
    const reply = await ended(request('independent', transfers(ITEMS)));
    const { counts, results } = jsonOf<Bulk>(reply);
    expect([reply.status, counts]).toMatchObject([200, { total: ITEMS, posted: ITEMS }]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(ITEMS);
    expect((await booked()) - before).toBe(ITEMS);
  });

  it('sent twenty times at once are booked once, and answered alike', async () => {
    const before = await booked();
    const options = request('independent', transfers(500));
    const replies = await Promise.all(Array.from({ length: COPIES }, () => ended(options)));
    expect(new Set(replies.map(({ body }) => body.toString())).size).toBe(1);
    expect((await booked()) - before).toBe(500);
  });

  it('with ids of their own, twenty at once under other keys, are booked once', async () => {
    const before = await booked();
    const items = transfers(200).map((item) => ({ ...item, id: newId('transfer') }));
    const replies = await Promise.all(Array.from({ length: COPIES }, () => ended(request('independent', items))));
    for (const reply of replies) expect(jsonOf<Bulk>(reply).counts).toMatchObject({ total: 200, posted: 200 });
    expect((await booked()) - before).toBe(200);
  });

  it('of a thousand together that fail on the last leave nothing', async () => {
    const before = await booked();
    const items = [...transfers(999), { ...transfers(1)[0], debit_account: merchant.pauper }];
    const { counts, results } = jsonOf<Bulk>(await ended(request('atomic', items)));
    expect(counts).toMatchObject({ total: 1_000, failed: 1_000 });
    expect(results[0]?.error).toEqual({ code: 'insufficient_funds' });
    expect(await booked()).toBe(before);
  });

  it('that stop on the first refusal keep what came before', async () => {
    const before = await booked();
    const late = newId('transfer');
    const [one = {}] = transfers(1);
    const items = [
      ...transfers(600),
      { ...one, debit_account: merchant.pauper },
      { ...one, id: late },
      ...transfers(100),
    ];
    const reply = await ended(request('stop_on_first', items));
    const { counts, results } = jsonOf<Bulk>(reply);
    expect(counts).toMatchObject({ posted: 600, failed: 1, skipped: 101 });
    expect(results[600]).toMatchObject({ status: 'failed', error: { code: 'insufficient_funds' } });
    expect([(await booked()) - before, await known(late)]).toEqual([600, '0']);
    const again = await ended(request('independent', [{ ...one, id: late }]));
    expect(jsonOf<Bulk>(again).counts).toMatchObject({ posted: 1 });
    const standing = await merchant.api.call(`${PATH}/${jsonOf<Bulk>(reply).id}`);
    expect(standing.kind === 'answer' && standing.body.equals(reply.body)).toBe(true);
  });

  it('leave the books in order', () => expectBooksInOrder(house, []), ANSWERED_WITHIN_MS);
});
