import { newId, type LimitDefine } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { AMOUNT_MAX } from '@payflow/money';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PaymentsUnderTest } from '../testing/payments-under-test.js';

const CARD = { type: 'card', token: 'tok_visa', country: 'ZA' } as const;
const USE = statement(
  'spec.limit-use-of-younger',
  `select reserved_minor::text as reserved, used_minor::text as used from limit_uses
   where limit_id = typeid_uuid($1) and window_start > to_timestamp(0)`,
);

let payments: PaymentsUnderTest;
let limit: string;
beforeAll(async () => {
  payments = await PaymentsUnderTest.open();
});
afterAll(async () => {
  expect(await payments.closeWithBroken()).toEqual([]);
});

type Terms = Pick<LimitDefine, 'kind' | 'asset' | 'amount' | 'count' | 'minutes'>;
const define = (id: string, customer: string, terms: Terms) =>
  payments.tell(
    payments.message('payflow.limit.define.v1', {
      ...{ id, scope: 'customer', customer, method: null, enabled: true, if_version: null },
      ...terms,
    }),
  );

/** A limit of a day's sum, from now on. */
async function limited(amount: string, customer = newId('customer')) {
  limit = newId('limit');
  await define(limit, customer, { kind: 'per_day', asset: 'USD', amount, count: null, minutes: null });
  return { customer };
}
const use = async () => (await payments.db.database.rows(USE, [limit]))[0];

/** A customer who is held against a limit, and none that adds sums up. */
async function often(): Promise<string> {
  const customer = newId('customer');
  await define(newId('limit'), customer, { kind: 'velocity', asset: null, amount: null, count: 9, minutes: 60 });
  return customer;
}

// Its organisation has no limit yet: this is the first case.
it('what is added to a payment that came before all limits is held against these, whatever came before not', async () => {
  const customer = newId('customer');
  const id = await payments.authorized({ customer, capture: 'manual_multiple' });
  const increase = async (amount: string) => {
    await payments.tell(payments.wish(id, 'increment', { amount }));
    await payments.settle();
    return (await payments.operations(id)).at(-1);
  };
  expect(await increase('50')).toBe('increment 50 succeeded');
  await limited('300', customer);
  expect(await increase('301')).toBe('increment 301 failed limit_exceeded');
  expect(await increase('100')).toBe('increment 100 succeeded');
  expect(await increase('201')).toBe('increment 201 failed limit_exceeded');
  expect(await increase('200')).toBe('increment 200 succeeded');
  expect(await use()).toEqual({ reserved: '300', used: '0' });
  await payments.tell(payments.wish(id, 'capture', { amount: '1150' }));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '100' });
});

it('an increment past all numbers waits for its turn, and keeps nothing of its payment from its end', async () => {
  const customer = await often();
  const id = await payments.authorized({ customer, method: CARD, capture: 'manual_multiple' });
  const capture = (amount: string) => payments.wish(id, 'capture', { amount, final: false });
  await payments.tell(capture('10'));
  await payments.tell(capture('20'), payments.wish(id, 'increment', { amount: AMOUNT_MAX.toString() }));
  await payments.tell(await payments.answer(id, 'declined'));
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  expect(await payments.operations(id)).toEqual([
    ...['authorization 1000 succeeded', 'capture 10 failed card_declined', 'capture 20 succeeded'],
    `increment ${AMOUNT_MAX} failed payment_not_incrementable`,
  ]);
});

it('a limit that is younger than the payment counts what was added to it since, and nothing of what came to nothing', async () => {
  const { customer } = await limited('2000');
  const id = await payments.authorized({ customer, method: CARD });
  await limited('300', customer);
  const increase = async (amount: string, outcome: 'approved' | 'declined') => {
    await payments.tell(payments.wish(id, 'increment', { amount }));
    await payments.settle();
    await payments.tell(await payments.answer(id, outcome));
    await payments.settle();
  };
  await increase('200', 'declined');
  expect(await use()).toEqual({ reserved: '0', used: '0' });
  await increase('100', 'approved');
  await increase('150', 'declined');
  expect(await use()).toEqual({ reserved: '100', used: '0' });
  await payments.tell(payments.wish(id, 'capture'));
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '100' });
});

it('a limit that is younger than increments of the payment counts none of these, whether it goes on or ends', async () => {
  const { customer } = await limited('2000');
  const id = await payments.authorized({ customer, method: CARD });
  const increase = async (amount: string, outcome: 'approved' | 'declined') => {
    await payments.tell(payments.wish(id, 'increment', { amount }));
    await payments.settle();
    await payments.tell(await payments.answer(id, outcome));
    await payments.settle();
  };
  await increase('500', 'approved');
  await limited('300', customer);
  await increase('200', 'declined');
  expect(await use()).toEqual({ reserved: '0', used: '0' });
  await increase('50', 'approved');
  expect(await use()).toEqual({ reserved: '50', used: '0' });
  await payments.tell(payments.wish(id, 'capture', { amount: '1520' }));
  await payments.tell(await payments.answer(id, 'approved'));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '20' });
});

it('a limit that is younger than an increment past all numbers, which still waits, parks nothing and counts what is added', async () => {
  const customer = await often();
  const id = await payments.authorized({ customer, method: CARD, capture: 'manual_multiple' });
  await payments.tell(payments.wish(id, 'capture', { amount: '10', final: false }));
  await payments.tell(payments.wish(id, 'increment', { amount: AMOUNT_MAX.toString() }));
  await limited('300', customer);
  await payments.tell(payments.wish(id, 'increment', { amount: '40' }));
  expect(await use()).toEqual({ reserved: '40', used: '0' });
  await payments.tell(await payments.answer(id, 'declined'));
  await payments.settle();
  await payments.tell(await payments.answer(id, 'declined'));
  await payments.settle();
  expect(await payments.operations(id)).toContain('capture 10 failed card_declined');
});

it('of what is captured a younger limit counts nothing while it is less than the payment was before it', async () => {
  const { customer } = await limited('2000');
  const id = await payments.authorized({ customer });
  await limited('300', customer);
  await payments.tell(
    payments.wish(id, 'increment', { amount: '20' }),
    payments.wish(id, 'increment', { amount: '30' }),
  );
  await payments.settle();
  expect(await use()).toEqual({ reserved: '50', used: '0' });
  await payments.tell(payments.wish(id, 'capture', { amount: '600' }));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '0', used: '0' });
});

it('a copy of what was added takes nothing anew', async () => {
  const id = await payments.authorized(await limited('1700'));
  const increment = payments.wish(id, 'increment', { amount: '400' });
  await payments.tell(increment);
  await payments.tell(increment, payments.wish(id, 'increment', { amount: '300' }));
  await payments.settle();
  expect(await use()).toEqual({ reserved: '1700', used: '0' });
});
