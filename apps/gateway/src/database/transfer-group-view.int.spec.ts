import { newId } from '@payflow/contracts';
import { statement } from '@payflow/database';
import { createTestDatabase, until, type TestDatabase } from '@payflow/testing';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { GroupWrite } from '../acceptance/acceptable.js';
import { transferWrite } from '../http/ledger/transfer.request.js';
import { callerOf } from '../testing/caller.js';
import { migrations } from './index.js';
import { insertOtherViews } from './new-view.repository.js';
import { findTransferGroup, postGroups } from './transfer-group-view.repository.js';
import { postTransfers } from './transfer-view.repository.js';

const owner = { tenant: newId('tenant'), livemode: false };
const caller = callerOf(owner);
const acceptable = {
  ...owner,
  actor: caller.actor,
  idempotencyKey: 'spec',
  fingerprint: Buffer.alloc(32),
  apiVersion: '2026-11-20',
  requestId: 'spec',
  traceparent: undefined,
};
const LOCK = statement('spec.lock-transfers', 'lock table transfer_views in access exclusive mode');
const WAITING = statement(
  'spec.waiting-for-views',
  `select from pg_locks where not granted and relation = 'transfer_views'::regclass and database = (
     select oid from pg_database where datname = current_database())`,
);
let test: TestDatabase;

beforeAll(async () => {
  test = await createTestDatabase('gateway', migrations);
});
afterAll(() => test?.drop());

async function pendingGroup() {
  const leg = { debit_account: newId('account'), credit_account: newId('account'), amount: '100', asset: 'USD' };
  const write = transferWrite({ legs: [leg, leg, leg], metadata: { order: '7' } }, caller, new Date()) as GroupWrite;
  await test.database.transaction((tx) => insertOtherViews(tx, [{ ...acceptable, write }]));
  return write.view;
}

it('is read as it was accepted, its transfers in their order', async () => {
  const view = await pendingGroup();
  const { id, metadata, transfers, createdAt } = view;
  const read = await findTransferGroup(test.database, view);
  expect(read).toMatchObject({ ...owner, id, status: 'pending', metadata, createdAt, version: 0 });
  expect(read?.transfers).toEqual(transfers);
  expect(await findTransferGroup(test.database, { ...view, livemode: true })).toBeUndefined();
  expect(await findTransferGroup(test.database, { ...view, id: newId('group') })).toBeUndefined();
});

it('is read with its transfers of one moment, though it is posted meanwhile', async () => {
  const view = await pendingGroup();
  const posted = { status: 'posted' as const, effectiveAt: view.createdAt, recordedAt: view.createdAt };
  const reading = await test.database.transaction(async (tx) => {
    await tx.rows(LOCK);
    const read = findTransferGroup(test.database, view);
    await until('the read waits for the transfers', async () => (await tx.rows(WAITING)).length > 0);
    await postGroups(tx, [{ ...view, ...posted }]);
    await postTransfers(
      tx,
      view.transfers.map((transfer) => ({ ...transfer, ...posted })),
    );
    // Not awaited here: it ends after this transaction.
    return { read };
  });
  const group = await reading.read;
  const statuses = [group?.status, ...(group?.transfers ?? []).map(({ status }) => status)];
  expect(statuses).toEqual(['posted', 'posted', 'posted', 'posted']);
});
