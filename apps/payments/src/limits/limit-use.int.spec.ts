import { newId } from '@payflow/contracts';
import { AMOUNT_MAX } from '@payflow/money';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LimitedPayments } from '../testing/limited-payments.js';
import { limitUse } from './limit-use.js';

const NOON = '2026-11-30T12:00:00.000Z';
const [anna, ben] = [newId('customer'), newId('customer')];

let house: LimitedPayments;
beforeAll(async () => {
  house = await LimitedPayments.open();
});
afterAll(() => house.close());

const use = (id: string, customer: string | null = null, at = NOON) =>
  limitUse(house.db.database, { tenant: house.tenant, livemode: false }, { id, customer }, Date.parse(at));

it('tells what is reserved and used, by whom, and how much is left', async () => {
  const each = house.limit({ scope: 'each_customer', amount: '1000' });
  const month = house.limit({ kind: 'per_month', amount: '5000' });
  const often = house.limit({ kind: 'velocity', amount: null, asset: null, count: 3, minutes: 10 });
  const single = house.limit({ kind: 'per_payment', amount: '700' });
  await house.send(each, month, often, single);
  const paid = (customer: string | undefined, created_at: string) =>
    house.send(house.create({ created_at, ...(customer && { customer }) }));
  const [first] = await paid(anna, NOON);
  await paid(ben, '2026-11-30T11:55:00.000Z');
  await paid(undefined, '2026-11-30T11:49:59.999Z');
  await house.hear(first, true);
  const day = { window_start: '2026-11-30T00:00:00.000Z', window_end: '2026-12-01T00:00:00.000Z' };
  expect(await use(each.data.id, anna)).toEqual({
    ...{ object: 'limit_use', limit: each.data.id, customer: anna, ...day },
    ...{ reserved: '0', used: '100', left: '900', payments: 1, payments_left: null },
  });
  expect(await use(each.data.id, ben)).toMatchObject({ reserved: '100', used: '0', left: '900' });
  expect(await use(each.data.id)).toMatchObject({ customer: null, reserved: '100', left: '900' });
  expect(await use(each.data.id, anna, '2026-12-01T00:00:00.000Z')).toMatchObject({ used: '0', left: '1000' });
  expect(await use(month.data.id)).toMatchObject({
    ...{ reserved: '200', used: '100', left: '4700', payments: 3 },
    ...{ window_start: '2026-11-01T00:00:00.000Z', window_end: '2026-12-01T00:00:00.000Z' },
  });
  expect(await use(often.data.id)).toMatchObject({
    ...{ payments: 2, payments_left: 1, left: null, reserved: '100', used: '100' },
    ...{ window_start: '2026-11-30T11:50:00.000Z', window_end: NOON },
  });
  expect(await use(single.data.id)).toMatchObject({ window_start: null, reserved: '0', left: '700', payments: 0 });
});

it('counts payments in whatever they are, where their sum would be past all numbers', async () => {
  const often = house.limit({ kind: 'velocity', amount: null, asset: null, count: 9, minutes: 10 });
  await house.send(often);
  const huge = (asset: string) =>
    house.create({ asset, amount: AMOUNT_MAX.toString(), created_at: '2026-11-30T18:00:00.000Z' });
  await house.send(huge('JPY'), huge('SOL'));
  const found = await use(often.data.id, null, '2026-11-30T18:01:00.000Z');
  expect(found).toMatchObject({ payments: 2, payments_left: 7, reserved: AMOUNT_MAX.toString(), used: '0' });
});

it('knows no limit of another organisation', async () => {
  const limit = house.limit();
  await house.send(limit);
  const elsewhere = { tenant: newId('tenant'), livemode: false };
  const asked = { id: limit.data.id, customer: null };
  expect(await limitUse(house.db.database, elsewhere, asked, Date.now())).toBeUndefined();
  const live = { tenant: house.tenant, livemode: true };
  expect(await limitUse(house.db.database, live, asked, Date.now())).toBeUndefined();
});
