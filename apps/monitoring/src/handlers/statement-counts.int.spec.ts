import { newId } from '@payflow/contracts';
import { createTestDatabase, statementsOf, testMessage } from '@payflow/testing';
import { expect, it } from 'vitest';
import { migrations } from '../database/index.js';
import { PaymentEventsHandler } from './payment-events.handler.js';

const failed = (at_ms: number) => {
  const at = new Date(at_ms).toISOString();
  return testMessage('payflow.payment.failed.v1', {
    id: newId('payment'),
    status: 'failed',
    source: newId('account'),
    destination: newId('account'),
    amount: '1',
    asset: 'USD',
    amount_captured: '0',
    amount_refunded: '0',
    method: { type: 'internal' },
    reference: null,
    metadata: {},
    failure: { code: 'insufficient_funds' },
    version: 1,
    created_at: at,
    updated_at: at,
    accounts: [],
  });
};

it('a batch is counted in one statement, be it one event or many, of one minute or of twenty', async () => {
  const db = await createTestDatabase('monitoring', migrations);
  const count = (batch: readonly unknown[]) =>
    statementsOf(() => db.database.transaction((tx) => new PaymentEventsHandler().handle(batch as never, tx)));
  const one = await count([failed(Date.now())]);
  const many = await count(Array.from({ length: 200 }, (_, at) => failed(Date.now() - (at % 20) * 60_000)));
  await db.drop();
  expect(one).toHaveLength(1);
  expect(many).toEqual(one);
});
