import { newId } from '@payflow/contracts';
import { createTestDatabase, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { holdWrite } from '../http/ledger/hold.request.js';
import { callerOf } from '../testing/caller.js';
import { applyHolds, failHolds, findHold, type OwnedHold } from './hold-view.repository.js';
import { migrations } from './index.js';
import { insertOtherViews } from './new-view.repository.js';

const owner = { tenant: newId('tenant'), livemode: false };
const [debit, credit] = [newId('account'), newId('account')];
let test: TestDatabase;

beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations);
});
afterAll(() => test?.drop());

const account = (id: string) => ({
  id,
  asset: 'USD',
  kind: 'liability' as const,
  state: 'open' as const,
  overdraft: 'none' as const,
  overdraft_limit: '0',
  posted_debits: '0',
  posted_credits: '0',
  pending_debits: '0',
  pending_credits: '0',
  version: 1,
});

/** A hold of 100 at a version, and the transfer of the posting that led to it. */
function at(id: string, version: number, status: 'pending' | 'voided', transfer: string | null = null): OwnedHold {
  const terms = { payment: null, amount: '100', posted: transfer ? '40' : '0', asset: 'USD', expires_at: null };
  const accounts = { debit_account: account(debit), credit_account: account(credit) };
  const state = { id, status, version, ...terms, ...accounts, recorded_at: new Date().toISOString() };
  return { ...owner, state, transfer, traceId: null };
}

const acceptable = {
  idempotencyKey: 'spec',
  fingerprint: Buffer.alloc(32),
  apiVersion: '2026-11-20',
  requestId: 'spec',
  traceparent: undefined,
};

const apply = (...holds: OwnedHold[]) => test.database.transaction((tx) => applyHolds(tx, holds));

const find = (id: string) => findHold(test.database, { ...owner, id });

it('keeps the transfer of the last posting when what ends the hold comes with it, in whichever order', async () => {
  const [first, last] = [newId('transfer'), newId('transfer')];
  const history = (id: string) => [
    at(id, 1, 'pending'),
    at(id, 2, 'pending', first),
    at(id, 3, 'pending', last),
    at(id, 4, 'voided'),
  ];
  const [one, other] = [newId('hold'), newId('hold')];
  await apply(...history(one), ...history(other).reverse());
  expect(await find(one)).toMatchObject({ status: 'voided', version: 4, transfer: last });
  expect(await find(other)).toMatchObject({ status: 'voided', version: 4, transfer: last });
});

it('keeps why a hold failed when an older state of it comes late', async () => {
  const caller = callerOf(owner);
  const terms = { debit_account: debit, credit_account: credit, amount: '100', asset: 'USD' };
  const write = holdWrite(terms, caller, new Date());
  const { id } = write.view;
  await test.database.transaction(async (tx) => {
    await insertOtherViews(tx, [{ ...acceptable, ...owner, actor: caller.actor, write }]);
    await failHolds(tx, [{ ...owner, id, code: 'insufficient_funds' }]);
  });
  await apply(at(id, 1, 'pending'));
  expect(await find(id)).toMatchObject({ status: 'failed', failureCode: 'insufficient_funds', version: 1 });
  await apply(at(id, 2, 'pending'));
  expect(await find(id)).toMatchObject({ status: 'pending', failureCode: null, version: 2 });
});
