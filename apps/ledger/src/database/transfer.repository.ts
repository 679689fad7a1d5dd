import { statement, type Transaction } from '@payflow/database';
import type { BookChanges } from '../domain/book.js';
import type { LockedAccounts } from './account.repository.js';
import { linked, type ChainedTransfer } from './chain.js';

// The chain moves in the statement that writes its links.
const INSERT = statement(
  'ledger.insert-transfers',
  `with moved as (update chains set position = $16, hash = decode($17, 'hex') where chain = $14)
   insert into transfers (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id,
     hold_id, reverses_id, effective_at, chain_position, chain_hash, chain, recorded_at)
   select tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id, hold_id, reverses_id,
     effective_at, chain_position, decode(chain_hash, 'hex'), $14, $15::timestamptz
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::uuid[],
     $10::uuid[], $11::uuid[], $12::timestamptz[], $13::bigint[], $18::text[])
     as t (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id, hold_id,
       reverses_id, effective_at, chain_position, chain_hash)`,
);

/** Writes the transfers of a batch behind the others of its chain. They are never touched again. */
export async function insertTransfers(
  tx: Transaction,
  transfers: BookChanges['transfers'],
  { keys, now, chain, head }: LockedAccounts,
): Promise<void> {
  if (transfers.length === 0) return;
  const links = linked(head, transfers, keys, now);
  const last = links.at(-1) as ChainedTransfer;
  await tx.count(INSERT, [
    links.map(({ row }) => row.tenant),
    links.map(({ row }) => row.livemode),
    links.map(({ row }) => row.id),
    links.map(({ row }) => row.debit),
    links.map(({ row }) => row.credit),
    links.map(({ transfer }) => transfer.amount),
    links.map(({ transfer }) => transfer.asset),
    links.map(({ row }) => row.payment),
    links.map(({ row }) => row.group),
    links.map(({ row }) => row.hold),
    links.map(({ row }) => row.reverses),
    links.map(({ transfer }) => transfer.effectiveAt),
    links.map(({ position }) => position),
    chain,
    now,
    last.position,
    last.hash,
    links.map(({ hash }) => hash),
  ]);
}
