import { newId, type PaymentCreate } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import { snapshotOf, processingPayment, transferOf } from './payment.js';

const NOW = '2026-11-21T12:00:00.000Z';
const create: PaymentCreate = {
  id: newId('payment'),
  sequence: 1,
  source: newId('account'),
  destination: newId('account'),
  amount: '1999',
  asset: 'USD',
  method: { type: 'internal' },
  capture: 'automatic',
  reference: 'order-7',
  metadata: { basket: '3' },
  created_at: NOW,
  expires_at: '2026-11-22T12:00:00.000Z',
};
const payment = processingPayment({ tenant: newId('tenant'), livemode: false }, create, newId('event'));

describe('a payment', () => {
  it('begins as processing, unpublished', () => {
    expect(payment).toMatchObject({ status: 'processing', version: 0, failureCode: null, amount: '1999' });
  });

  it('asks for the same transfer however often it asks, valid until the payment expires', () => {
    const id = newId('transfer');
    expect(transferOf(payment, id)).toEqual(transferOf({ ...payment, updatedAt: '2026-11-21T13:00:00.000Z' }, id));
    expect(transferOf(payment, id)).toMatchObject({
      debit_account: create.source,
      credit_account: create.destination,
      valid_until: create.expires_at,
      payment: create.id,
    });
  });

  it('has captured all when it succeeded and nothing when it failed', () => {
    expect(
      snapshotOf({ ...payment, status: 'succeeded', captured: 1999n, authorized: 1999n, version: 1 }, []),
    ).toMatchObject({
      amount_captured: '1999',
      failure: null,
      version: 1,
    });
    expect(
      snapshotOf({ ...payment, status: 'failed', version: 1, failureCode: 'insufficient_funds' }, []),
    ).toMatchObject({ amount_captured: '0', failure: { code: 'insufficient_funds' } });
  });
});
