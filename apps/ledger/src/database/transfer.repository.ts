import { uuidOf } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';
import type { BookChanges } from '../domain/book.js';
import { accountUuid, type LockedAccounts } from './account.repository.js';

const INSERT = statement(
  'ledger.insert-transfers',
  `insert into transfers (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id,
     hold_id, reverses_id, effective_at, recorded_at)
   select *, $13::timestamptz from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[],
     $8::uuid[], $9::uuid[], $10::uuid[], $11::uuid[], $12::timestamptz[])`,
);

/** Writes the transfers of a batch. They are never touched again. */
export async function insertTransfers(
  tx: Transaction,
  transfers: BookChanges['transfers'],
  keys: LockedAccounts['keys'],
  now: Date,
): Promise<void> {
  if (transfers.length === 0) return;
  await tx.count(INSERT, [
    transfers.map(({ owner }) => uuidOf('tenant', owner.tenant)),
    transfers.map(({ owner }) => owner.livemode),
    transfers.map(({ id }) => uuidOf('transfer', id)),
    transfers.map(({ owner, debitAccount }) => accountUuid(keys, owner, debitAccount)),
    transfers.map(({ owner, creditAccount }) => accountUuid(keys, owner, creditAccount)),
    transfers.map(({ amount }) => amount),
    transfers.map(({ asset }) => asset),
    transfers.map(({ payment }) => payment && uuidOf('payment', payment)),
    transfers.map(({ group }) => group && uuidOf('group', group)),
    transfers.map(({ hold }) => hold && uuidOf('hold', hold)),
    transfers.map(({ reverses }) => reverses && uuidOf('transfer', reverses)),
    transfers.map(({ effectiveAt }) => effectiveAt),
    now,
  ]);
}
