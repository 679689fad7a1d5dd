import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import { refusalCode } from '../acceptance/refusal-codes.js';
import type { BulkMode, BulkView, ItemProblem, ItemTransfer } from '../domain/bulk.js';
import type { TransferStatus } from '../domain/transfer.js';
import { keyColumns, tenantOf, tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';

/** How many commands of a bulk have been answered just now, and where it stopped, if it did. */
export interface BulkProgress extends ResourceKey {
  readonly answered: number;
  readonly stoppedAt: number | null;
}

// A bulk of which nothing is left to be asked for has ended with its acceptance.
const INSERT = statement(
  'transfer-bulk-views.insert',
  `with inserted as (
     insert into transfer_bulk_views (tenant_id, livemode, id, mode, transfer_ids, problems, idempotency_key, commands, created_at,
       pending, stopped_at)
     values ($1, $2, $3, $4, $5::uuid[], $6, $7, $8, $9, $8, $10))
   update idempotency_records set reply_status = 200, reply_headers = '{}', reply_body = ''
   where $8 = 0 and tenant_id = $1 and livemode = $2 and idempotency_key = $7`,
);

// The answers of one bulk come over several partitions, and the last of them ends it: the row's lock decides which is. The reply
// that is stored says only that there is one; it is put together from the transfers, which change no more. What was found wrong at
// the door is where it stops at the latest: the ledger may refuse an item before that, and those behind are not tried, and their ids free.
const ADVANCE = statement(
  'transfer-bulk-views.advance',
  `with told as materialized (
     select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::integer[], $5::integer[])
       as t (tenant_id, livemode, id, answered, stopped_at)),
   locked as materialized (
     select t.* from told t join transfer_bulk_views b using (tenant_id, livemode, id)
     order by tenant_id, livemode, id for update of b),
   advanced as (
     update transfer_bulk_views b set pending = b.pending - l.answered, stopped_at = least(b.stopped_at, l.stopped_at)
     from locked l where b.tenant_id = l.tenant_id and b.livemode = l.livemode and b.id = l.id
     returning b.tenant_id, b.livemode, b.id, b.idempotency_key, b.pending),
   replied as (
     update idempotency_records r set reply_status = 200, reply_headers = '{}', reply_body = ''
     from advanced a where a.pending = 0 and r.tenant_id = a.tenant_id and r.livemode = a.livemode
       and r.idempotency_key = a.idempotency_key and r.reply_status is null)
   select tenant_id, livemode, id from advanced where pending = 0`,
);

const FIND = statement(
  'transfer-bulk-views.find',
  `select tenant_id, livemode, id, mode, transfer_ids, problems, stopped_at, created_at
   from transfer_bulk_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

const FIND_ITEMS = statement(
  'transfer-views.find-items',
  `select v.status, v.amount_minor, v.failure_code, case when v.status = 'failed' then (
     select g.failure_leg from transfer_group_views g where g.tenant_id = $1 and g.livemode = $2 and g.id = v.group_id) end as failure_leg
   from unnest($3::uuid[]) with ordinality as i (id, place)
   left join transfer_views v on v.tenant_id = $1 and v.livemode = $2 and v.id = i.id
   order by i.place`,
);

interface BulkRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  mode: BulkMode;
  transfer_ids: (string | null)[];
  problems: ItemProblem[];
  stopped_at: number | null;
  created_at: Date;
}

interface ItemRow {
  status: TransferStatus | null;
  amount_minor: bigint;
  failure_code: string | null;
  failure_leg: number | null;
}

/** Keeps a bulk, with COMMIT. */
export function insertBulk(
  tx: Transaction,
  { view, idempotencyKey, commands }: { view: BulkView; idempotencyKey: string; commands: number },
): void {
  tx.atCommit(INSERT, [
    tenantUuid(view.tenant),
    view.livemode,
    uuidOf('bulk', view.id),
    view.mode,
    view.transfers.map((id) => id && uuidOf('transfer', id)),
    JSON.stringify(view.problems),
    idempotencyKey,
    commands,
    view.createdAt,
    view.stoppedAt,
  ]);
}

/** Counts answers towards their bulks; returns the bulks that have ended with them. */
export async function advanceBulks(tx: Transaction, progress: readonly BulkProgress[]): Promise<ResourceKey[]> {
  if (progress.length === 0) return [];
  const rows = await tx.rows<Pick<BulkRow, 'tenant_id' | 'livemode' | 'id'>>(ADVANCE, [
    ...keyColumns('bulk', progress),
    progress.map(({ answered }) => answered),
    progress.map(({ stoppedAt }) => stoppedAt),
  ]);
  return rows.map((row) => ({
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('bulk', row.id),
  }));
}

export async function findBulk(db: Database, { tenant, livemode, id }: ResourceKey): Promise<BulkView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<BulkRow>(FIND, [tenantUuid(tenant), livemode, uuidOf('bulk', id)]);
  return row && toBulk(row);
}

const UNANSWERED = statement(
  'transfer-bulk-views.unanswered',
  `select pending from transfer_bulk_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

/** How many commands of a bulk have not been answered. */
export async function countUnanswered(db: Database, { tenant, livemode, id }: ResourceKey): Promise<number> {
  const [row] = await seenBy(db, { tenant }).rows<{ pending: number }>(UNANSWERED, [
    tenantUuid(tenant),
    livemode,
    uuidOf('bulk', id),
  ]);
  return row?.pending ?? 0;
}

// Of a large bulk, no more is read than is shown.
const FIND_PART = statement(
  'transfer-bulk-views.find-part',
  `select tenant_id, livemode, id, mode, transfer_ids[$4 + 1 : $4 + $5] as transfer_ids, stopped_at, created_at, (
     select coalesce(json_agg(p), '[]') from json_array_elements(problems) as p
     where (p ->> 'index')::integer >= $4 and (p ->> 'index')::integer < $4 + $5) as problems
   from transfer_bulk_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

/** A bulk with the places of so many items from `first` on, and what was wrong with them. */
export async function findBulkPart(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
  { first, items }: { readonly first: number; readonly items: number },
): Promise<BulkView | undefined> {
  const key = [tenantUuid(tenant), livemode, uuidOf('bulk', id)];
  const [row] = await seenBy(db, { tenant }).rows<BulkRow>(FIND_PART, [...key, first, items]);
  return row && toBulk(row);
}

const ID_TAKEN = statement(
  'transfer-bulk-views.id-taken',
  `select exists (select from transfer_bulk_views where tenant_id = $1 and livemode = $2 and id = $3) as taken`,
);

export async function isBulkIdTaken(tx: Transaction, { tenant, livemode, id }: ResourceKey): Promise<boolean> {
  const [row] = await tx.rows<{ taken: boolean }>(ID_TAKEN, [tenantUuid(tenant), livemode, uuidOf('bulk', id)]);
  return row?.taken ?? false;
}

/** The transfers with these ids, in their order; undefined where there is none. */
export async function findItems(
  db: Database,
  { tenant, livemode }: Owner,
  ids: readonly (string | null)[],
): Promise<(ItemTransfer | undefined)[]> {
  const uuids = ids.map((id) => id && uuidOf('transfer', id));
  const rows = await seenBy(db, { tenant }).rows<ItemRow>(FIND_ITEMS, [tenantUuid(tenant), livemode, uuids]);
  return rows.map(({ status, amount_minor: amount, failure_code: reason, failure_leg: leg }) =>
    status === null
      ? undefined
      : { status, amount: amount.toString(), code: reason === null ? null : refusalCode(reason), leg },
  );
}

function toBulk(row: BulkRow): BulkView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('bulk', row.id),
    mode: row.mode,
    transfers: row.transfer_ids.map((uuid) => uuid && fromUuid('transfer', uuid)),
    problems: row.problems,
    stoppedAt: row.stopped_at,
    createdAt: row.created_at.toISOString(),
  };
}
