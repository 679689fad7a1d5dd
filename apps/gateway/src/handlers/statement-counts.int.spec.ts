import { fromUuid, newId, uuidOf } from '@payflow/contracts';
import { statementsOf, testMessage } from '@payflow/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStage, type Stage } from '../testing/stage.js';
import { LedgerEventsHandler } from './ledger-events.handler.js';
import { PaymentEventsHandler } from './payment-events.handler.js';

const MANY = 50;
const at = new Date().toISOString();
const counters = (id: string) => ({
  id,
  asset: 'USD',
  posted_debits: '0',
  posted_credits: '0',
  pending_debits: '0',
  pending_credits: '0',
  version: 1,
});

const ended = () =>
  testMessage('payflow.payment.failed.v1', {
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
    accounts: [counters(newId('account')), counters(newId('account'))] as never,
  });
/** Of each its own payment, which goes by steps, and what was asked of it. */
const refunded = () => {
  const { data, ...context } = ended();
  const payment = {
    ...data,
    status: 'succeeded' as const,
    failure: null,
    capture: 'manual' as const,
    amount_captured: '1',
  };
  return testMessage('payflow.refund.succeeded.v1', {
    ...{
      id: newId('refund'),
      kind: 'refund',
      status: 'succeeded',
      amount: '1',
      failure: null,
      reason: null,
      metadata: {},
    },
    ...{ command: context.id, payment, version: 1, created_at: at, updated_at: at },
  });
};
const authorized = () => {
  const { data } = ended();
  const sums = { capture: 'manual' as const, amount_authorized: '1', authorized_until: at };
  return testMessage('payflow.payment.authorized.v1', { ...data, ...sums, status: 'authorized', failure: null });
};
const rejected = () =>
  testMessage('payflow.account.rejected.v1', { id: newId('account'), reason: 'account_exists', recorded_at: at });

/** A transfer of its own, that nobody here knows. */
const posted = () => {
  const [debit_account, credit_account, id] = [newId('account'), newId('account'), newId('transfer')];
  return testMessage('payflow.group.posted.v1', {
    id: fromUuid('group', uuidOf('transfer', id)),
    reverses: null,
    legs: [{ id, debit_account, credit_account, amount: '5', asset: 'USD' }],
    accounts: [counters(debit_account), counters(credit_account)],
    effective_at: at,
    metadata: {},
    recorded_at: at,
  });
};

describe('a batch that the gateway reads costs the same statements for one event and for many', () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.close());

  const heard = (handler: { handle(batch: never, tx: never): Promise<unknown> }, batch: readonly unknown[]) =>
    statementsOf(() => stage.db.transaction((tx) => handler.handle(batch as never, tx as never)));
  const many = <T>(make: () => T) => Array.from({ length: MANY }, make);

  it.each([
    ['ends of payments', PaymentEventsHandler, ended],
    ['payments that are authorized', PaymentEventsHandler, authorized],
    ['ends of refunds', PaymentEventsHandler, refunded],
    ['accounts that are refused', LedgerEventsHandler, rejected],
    ['transfers that are posted', LedgerEventsHandler, posted],
  ] as const)('%s', async (_, type, make) => {
    const handler = stage.gateway.app.get<InstanceType<typeof type>>(type, { strict: false });
    const one = await heard(handler as never, [make()]);
    expect(one.length).toBeGreaterThan(0);
    expect(one.length).toBeLessThanOrEqual(7);
    expect([...(await heard(handler as never, many<unknown>(make)))].sort()).toEqual([...one].sort());
  });
});
