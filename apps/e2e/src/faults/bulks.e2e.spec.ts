import type { CrashPoint, Service } from '@payflow/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectBooksInOrder } from '../books/books.js';
import { jsonOf } from '../house/api-client.js';
import { Bulks, bulkRequest, type Bulk } from '../house/bulks.js';
import { House } from '../house/house.js';
import { Merchant } from '../house/merchant.js';

const SETTLED_WITHIN_MS = 60_000;

describe('bulks under way', () => {
  let house: House;
  let merchant: Merchant;
  let bulks: Bulks;

  beforeAll(async () => {
    house = await House.open({ name: 'bulks-crash' });
    merchant = await Merchant.open(house.databases, house.api, 20);
    bulks = new Bulks(merchant);
  });
  afterAll(async () => {
    merchant?.close();
    await house?.close();
  });

  const booked = async () => Number(await house.databases.value('ledger', 'select count(*) from transfers'));

  // Before a bulk's commit, after it, and when its answers come.
  it.each<[service: Service, point: CrashPoint]>([
    ['gateway', 'outbox-insert'],
    ['gateway', 'produce-sent'],
    ['gateway', 'inbox-insert'],
  ])('are booked once though %s dies at %s', async (service, point) => {
    const before = await booked();
    const part = house.service(service);
    await part.restart({ CRASH_AT: `${point}:1` });
    let signal: string | undefined;
    void part.supervise((exit) => (signal ??= exit.signal ?? undefined));
    const { counts } = jsonOf<Bulk>(await bulks.ended(bulkRequest('independent', bulks.transfers(2_000))));
    expect([signal, counts]).toMatchObject(['SIGKILL', { total: 2_000, posted: 2_000 }]);
    await part.untilReady();
    expect((await booked()) - before).toBe(2_000);
  });

  it('leave the books in order', () => expectBooksInOrder(house, []), SETTLED_WITHIN_MS);
});
