import { newId, uuidOf } from '@payflow/contracts';
import { until } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBooksInOrder } from '../books/books.js';
import { jsonOf } from '../house/api-client.js';
import { BULK_PATH, Bulks, bulkRequest, type Bulk } from '../house/bulks.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const ITEMS = 10_000;
const COPIES = 20;
const SETTLED_WITHIN_MS = 60_000;

describe('bulks of transfers', () => {
  let house: House;
  let merchant: Merchant;
  let bulks: Bulks;

  beforeAll(async () => {
    house = await House.open({ name: 'bulks' });
    merchant = await Merchant.open(house.databases, house.api, 20);
    bulks = new Bulks(merchant);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  const booked = async () => Number(await house.databases.value('ledger', 'select count(*) from transfers'));
  const known = (id: string) =>
    house.databases.value('ledger', `select count(*) from transfers where id = '${uuidOf('transfer', id)}'`);

  it('post ten thousand transfers, each exactly once', async () => {
    const before = await booked();
    const reply = await bulks.ended(bulkRequest('independent', bulks.transfers(ITEMS)));
    const { counts, results } = jsonOf<Bulk>(reply);
    expect([reply.status, counts]).toMatchObject([200, { total: ITEMS, posted: ITEMS }]);
    expect(new Set(results.map(({ id }) => id)).size).toBe(ITEMS);
    expect((await booked()) - before).toBe(ITEMS);
  });

  it('of ten thousand on one account, and a transfer that is asked for after them, are all posted', async () => {
    const [item = {}] = bulks.transfers(1);
    // All of one account, and so of one partition. Who is booked before whom there, bulk-feed.spec.ts says.
    const items = Array.from({ length: ITEMS }, () => ({ ...item }));
    const options = { ...bulkRequest('independent', items), wait_s: 0 };
    const accepted = await until('the bulk is taken', async () => {
      const answer = await merchant.api.call(BULK_PATH, options);
      return answer.kind === 'answer' ? answer : undefined;
    });
    expect(accepted.status).toBe(202);
    const one = { body: JSON.stringify(item), idempotencyKey: newId('event'), wait_s: 10 };
    const alone = await bulks.ended(one, '/api/v1/transfers');
    const standing = await merchant.api.call(`${BULK_PATH}/${jsonOf<Bulk>(accepted).id}`);
    expect([alone.status, jsonOf<Bulk>(standing).counts]).toMatchObject([201, { total: ITEMS }]);
    expect(jsonOf<Bulk>(await bulks.ended(options)).counts).toMatchObject({ posted: ITEMS });
  });

  it('sent twenty times at once are booked once, and answered alike', async () => {
    const before = await booked();
    const options = bulkRequest('independent', bulks.transfers(500));
    const replies = await Promise.all(Array.from({ length: COPIES }, () => bulks.ended(options)));
    expect(new Set(replies.map(({ body }) => body.toString())).size).toBe(1);
    expect((await booked()) - before).toBe(500);
  });

  it('with ids of their own, twenty at once under other keys, are booked once', async () => {
    const before = await booked();
    const items = bulks.transfers(200).map((item) => ({ ...item, id: newId('transfer') }));
    const replies = await Promise.all(
      Array.from({ length: COPIES }, () => bulks.ended(bulkRequest('independent', items))),
    );
    for (const reply of replies) expect(jsonOf<Bulk>(reply).counts).toMatchObject({ total: 200, posted: 200 });
    expect((await booked()) - before).toBe(200);
  });

  it('of a thousand together that fail on the last leave nothing', async () => {
    const before = await booked();
    const items = [...bulks.transfers(999), { ...bulks.transfers(1)[0], debit_account: merchant.pauper }];
    const { counts, results } = jsonOf<Bulk>(await bulks.ended(bulkRequest('atomic', items)));
    expect(counts).toMatchObject({ total: 1_000, failed: 1_000 });
    const detail = 'Item 999 was refused, and all others with it.';
    expect(results[0]?.error).toEqual({ code: 'insufficient_funds', detail });
    expect(await booked()).toBe(before);
  });

  it('that stop on the first refusal keep what came before', async () => {
    const before = await booked();
    const late = newId('transfer');
    const [one = {}] = bulks.transfers(1);
    const items = [
      ...bulks.transfers(600),
      { ...one, debit_account: merchant.pauper },
      { ...one, id: late },
      ...bulks.transfers(100),
    ];
    const reply = await bulks.ended(bulkRequest('stop_on_first', items));
    const { counts, results } = jsonOf<Bulk>(reply);
    expect(counts).toMatchObject({ posted: 600, failed: 1, skipped: 101 });
    expect(results[600]).toMatchObject({ status: 'failed', error: { code: 'insufficient_funds' } });
    expect([(await booked()) - before, await known(late)]).toEqual([600, '0']);
    const again = await bulks.ended(bulkRequest('independent', [{ ...one, id: late }]));
    expect(jsonOf<Bulk>(again).counts).toMatchObject({ posted: 1 });
    const standing = await merchant.api.call(`${BULK_PATH}/${jsonOf<Bulk>(reply).id}`);
    expect(standing.kind === 'answer' && standing.body.equals(reply.body)).toBe(true);
  });

  it('leave the books in order', () => expectBooksInOrder(house, []), SETTLED_WITHIN_MS);
});
