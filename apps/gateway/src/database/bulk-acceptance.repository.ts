import { fromUuid, uuidOf } from '@payflow/contracts';
import { joinJson, statement, type Transaction } from '@payflow/database';
import type { Acceptable } from '../acceptance/acceptable.js';
import type { BulkTransfer } from '../acceptance/bulk.js';
import { WRITE_ID_KINDS } from '../domain/write-kind.js';
import { keyColumns, rowKeyOf, tenantUuid, type ResourceKey } from './keys.js';

type KeyRow = Parameters<typeof rowKeyOf>[1];

// All of one owner and one moment. Sorted by id, so that two bulks wait for each other in one direction only.
const INSERT_TRANSFERS = statement(
  'transfer-views.insert-bulk',
  `insert into transfer_views (tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset, effective_at,
     metadata, content_hash, type, trace_id, version, created_at)
   select $1, $2, id, 'pending', debit, credit, amount_minor, asset, effective_at, metadata, decode(content_hash, 'hex'), type, $11, 0, $12
   from unnest($3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::timestamptz[],
     string_to_array($9, chr(30))::json[], $10::text[], $13::text[])
     as t (id, debit, credit, amount_minor, asset, effective_at, metadata, content_hash, type)
   order by id
   on conflict do nothing returning id`,
);

const OF_BULKS = `
   select tenant_id, livemode, id, content_hash from transfer_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and content_hash is not null`;

const FIND_HASHES_OF_BULKS = statement('transfer-views.find-content-hashes-of-bulks', OF_BULKS);

// Those of bulks keep it themselves; of those that were asked for alone, it is kept with the request.
const FIND_HASHES = statement(
  'transfer-views.find-content-hashes',
  `${OF_BULKS}
   union all
   select tenant_id, livemode, resource_id, content_hash from idempotency_records
   where (tenant_id, livemode, resource_id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and content_hash is not null
     and resource_kind = 'transfer'`,
);

const INSERT_PENDING = statement(
  'pending-writes.insert-bulk',
  `insert into pending_writes (tenant_id, livemode, idempotency_key, request_id, accepted_at, bulk_id, resource_id, resource_kind,
     outbox_id, outbox_created_at, command_id)
   select $1, $2, $3, $4, $5, $6, w.* from unnest($7::uuid[], $8::text[], $9::uuid[], $10::timestamptz[], $11::uuid[]) as w`,
);

/** Inserts `pending` transfers of one bulk; returns the ids that were free. */
export async function insertBulkTransfers(tx: Transaction, transfers: readonly BulkTransfer[]): Promise<string[]> {
  const views = transfers.map(({ write }) => write.view);
  const [any] = views;
  if (!any) return [];
  const rows = await tx.rows<{ id: string }>(INSERT_TRANSFERS, [
    tenantUuid(any.tenant),
    any.livemode,
    views.map(({ id }) => uuidOf('transfer', id)),
    views.map(({ debitAccount }) => uuidOf('account', debitAccount)),
    views.map(({ creditAccount }) => uuidOf('account', creditAccount)),
    views.map(({ amount }) => amount),
    views.map(({ asset }) => asset),
    views.map(({ effectiveAt }) => effectiveAt),
    joinJson(views.map(({ metadata }) => JSON.stringify(metadata))),
    transfers.map(({ contentHash }) => contentHash && contentHash.toString('hex')),
    any.traceId,
    any.createdAt,
    views.map(({ type }) => type),
  ]);
  return rows.map(({ id }) => fromUuid('transfer', id));
}

/** What was asked for under these ids, where it can be told, by `keyOf`; of bulks alone, or of requests for one transfer as well. */
export async function findContentHashes(
  tx: Transaction,
  transfers: readonly ResourceKey[],
  of: 'all' | 'bulks' = 'all',
): Promise<Map<string, Buffer>> {
  const find = of === 'bulks' ? FIND_HASHES_OF_BULKS : FIND_HASHES;
  const rows = await tx.rows<KeyRow & { content_hash: Buffer }>(find, keyColumns('transfer', transfers));
  return new Map(rows.map((row) => [rowKeyOf('transfer', row), row.content_hash]));
}

/** Notes writes of one bulk as acknowledged and not ended, each with the outbox row that holds its command. */
export async function insertBulkPending(
  tx: Transaction,
  bulk: string,
  accepted: readonly (readonly [write: Acceptable, outboxRow: { readonly id: string; readonly created_at: Date }])[],
): Promise<void> {
  const [any] = accepted[0] ?? [];
  if (!any) return;
  const writes = accepted.map(([{ write }]) => write);
  await tx.count(INSERT_PENDING, [
    tenantUuid(any.tenant),
    any.livemode,
    any.idempotencyKey,
    any.requestId,
    any.write.view.createdAt,
    uuidOf('bulk', bulk),
    writes.map(({ kind, view }) => uuidOf(WRITE_ID_KINDS[kind], view.id)),
    writes.map(({ kind }) => kind),
    accepted.map(([, row]) => row.id),
    accepted.map(([, row]) => row.created_at),
    writes.map(({ commandId }) => (commandId === undefined ? null : uuidOf('event', commandId))),
  ]);
}
