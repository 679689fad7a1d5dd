import { fromUuid, newUuid } from '@payflow/contracts';
import { expect, it } from 'vitest';
import { standingFindings, type CardPayment } from './outside-books.js';

const payment = (status: string, change: Partial<CardPayment> = {}): CardPayment => ({
  ...{ tenant_id: newUuid(), id: newUuid(), status, captured: '0', refunded: '0', is_asking: false },
  ...change,
});
const standing = ({ tenant_id, id }: CardPayment) => ({
  merchant_reference: `${fromUuid('tenant', tenant_id)}/test/${fromUuid('payment', id)}`,
  currency: 'USD',
  amount: '500',
});

it.each(['succeeded', 'failed', 'canceled', 'expired'])('what is set aside for one that is %s is found', (status) => {
  const one = payment(status);
  expect(standingFindings([one, payment(status)], [standing(one)])).toEqual([
    { rule: 'outside', what: expect.stringContaining(`(${status}): 500 USD are still set aside`) as string },
  ]);
});

it.each([
  payment('authorized'),
  payment('partially_captured'),
  payment('processing'),
  payment('canceled', { is_asking: true }),
])('nothing is found where it is $status, and something is asked: $is_asking', (one) => {
  expect(standingFindings([one], [standing(one)])).toEqual([]);
});

it('nor of what is no payment of ours', () => {
  expect(standingFindings([], [standing(payment('failed'))])).toEqual([]);
});
