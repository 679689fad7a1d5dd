import { expect, it } from 'vitest';
import { historyResource, type HistoryEntry } from './history.js';

const entry: HistoryEntry = {
  tenant: 'org_1',
  livemode: false,
  type: 'payment',
  id: 'pay_1',
  status: 'succeeded',
  amount: '1999',
  asset: 'USD',
  scale: null,
  debitAccount: 'acct_a',
  creditAccount: 'acct_b',
  debitPath: 'users:alice',
  creditPath: null,
  isOut: true,
  isIn: false,
  payment: null,
  reference: 'order-7',
  failure: null,
  detail: null,
  createdAt: '2026-11-20T12:00:00.000Z',
};
const incoming = { isOut: false, isIn: true };
const refund = { type: 'refund' as const, id: 're_1', payment: 'pay_1', reference: null };

it.each<[Partial<HistoryEntry>, string]>([
  [{}, 'Payment of 19.99 USD to acct_b (order-7)'],
  [incoming, 'Payment of 19.99 USD from users:alice (order-7)'],
  [
    { status: 'failed', failure: 'insufficient_funds' },
    'Payment of 19.99 USD to acct_b (order-7), failed: insufficient funds',
  ],
  [{ status: 'requires_action', reference: null }, 'Payment of 19.99 USD to acct_b, requires action'],
  [
    { type: 'transfer', status: 'posted', reference: null, detail: 'plain', amount: '5' },
    'Transfer of 0.05 USD to acct_b',
  ],
  [{ type: 'transfer', status: 'posted', reference: null, detail: 'reversal' }, 'Reversal of 19.99 USD to acct_b'],
  [
    { type: 'transfer', status: 'posted', reference: null, isIn: true },
    'Transfer of 19.99 USD from users:alice to acct_b',
  ],
  [{ type: 'hold', status: 'pending', reference: null, asset: 'JPY' }, 'Hold of 1999 JPY to acct_b, pending'],
  [{ ...refund, ...incoming }, 'Refund of 19.99 USD from users:alice for pay_1'],
  [{ ...refund, status: 'pending', amount: null }, 'Refund of all that is left to acct_b for pay_1, pending'],
  [{ ...refund, status: 'pending' }, 'Refund of 19.99 USD to acct_b for pay_1, pending'],
  [
    { ...refund, type: 'dispute', status: 'needs_response', detail: 'not_received' },
    'Dispute of 19.99 USD over pay_1 (not received), needs response',
  ],
  [{ asset: 'POINTS', scale: 3, amount: '1', reference: null }, 'Payment of 0.001 POINTS to acct_b'],
])('tells %j as a sentence', (part, description) => {
  expect(historyResource({ ...entry, ...part })).toMatchObject({ description });
});

it.each([
  [{}, { direction: 'out', account: 'acct_a', counterparty: 'acct_b' }],
  [incoming, { direction: 'in', account: 'acct_b', counterparty: 'acct_a' }],
  [{ isIn: true }, { direction: 'internal', account: 'acct_a', counterparty: 'acct_b' }],
])('tells whose side it is: %j', (part, told) => expect(historyResource({ ...entry, ...part })).toMatchObject(told));
