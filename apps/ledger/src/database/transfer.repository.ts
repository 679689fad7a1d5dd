import { bigintArray, hexArray, sparse, statement, uuidArray, type Transaction } from '@payflow/database';
import type { LockedAccounts } from './account.repository.js';
import type { ChainedTransfer } from './chain.js';

const ROWS = `
   insert into transfers (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id,
     hold_id, reverses_id, effective_at, chain_position, chain_hash, chain, recorded_at)
   select tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id, hold_id, reverses_id,
     effective_at, chain_position, chain_hash, $14, $15::timestamptz
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::uuid[],
     $10::uuid[], $11::uuid[], $12::timestamptz[], $13::bigint[], $16::bytea[])
     as t (tenant_id, livemode, id, debit_account_id, credit_account_id, amount_minor, asset, payment_id, group_id, hold_id,
       reverses_id, effective_at, chain_position, chain_hash)`;

const INSERT = statement('ledger.insert-transfers', ROWS);

// Where the batch holds the chain's lock, the chain moves in the statement that writes its links.
const INSERT_AND_MOVE = statement(
  'ledger.add-to-chain',
  `with moved as (update chains set position = $17, hash = decode($18, 'hex') where chain = $14) ${ROWS}`,
);

/**
 * Writes the transfers of a batch behind the others of its chain. They are never touched again. Of a chain that is not locked the
 * head is moved later, by whoever knows what it was.
 */
export async function insertTransfers(
  tx: Transaction,
  links: readonly ChainedTransfer[],
  { now, chain }: Pick<LockedAccounts, 'now' | 'chain'>,
  { isChainLocked }: { readonly isChainLocked: boolean },
): Promise<void> {
  const last = links.at(-1);
  if (!last) return;
  await tx.count(isChainLocked ? INSERT_AND_MOVE : INSERT, [
    uuidArray(links.map(({ row }) => row.tenant)),
    links.map(({ row }) => row.livemode),
    uuidArray(links.map(({ row }) => row.id)),
    uuidArray(links.map(({ row }) => row.debit)),
    uuidArray(links.map(({ row }) => row.credit)),
    bigintArray(links.map(({ transfer }) => transfer.amount)),
    links.map(({ transfer }) => transfer.asset),
    uuidArray(sparse(links.map(({ row }) => row.payment))),
    uuidArray(sparse(links.map(({ row }) => row.group))),
    uuidArray(sparse(links.map(({ row }) => row.hold))),
    uuidArray(sparse(links.map(({ row }) => row.reverses))),
    sparse(links.map(({ transfer }) => transfer.effectiveAt)),
    bigintArray(links.map(({ position }) => position)),
    chain,
    now,
    hexArray(links.map(({ hash }) => hash)),
    ...(isChainLocked ? [last.position, last.hash] : []),
  ]);
}
