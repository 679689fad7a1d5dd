import { fromUuid } from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { Reply } from '../acceptance/acceptable.js';
import { WRITE_ID_KINDS, type WriteKind } from '../domain/write-kind.js';
import { keyColumns, keyOf, ownerColumns, rowKeyOf, type ResourceKey, tenantOf } from './keys.js';

/** A write that has been acknowledged and not ended. */
export interface PendingWrite extends ResourceKey {
  readonly kind: WriteKind;
  readonly idempotencyKey: string;
  readonly requestId: string;
  /** The bulk that it is a part of, and that is answered in its place. */
  readonly bulk: string | null;
}

/** An acknowledged write that nothing has been heard of, with its command's place in the outbox. */
export interface OverdueWrite extends PendingWrite {
  readonly outboxRow: { readonly id: string; readonly created_at: Date };
}

// What is taken as often as it is put is a table that looks empty whenever it is analyzed, and is not while much is under way: a
// join would go through all of it for each of the batch. So the ids are looked up in its key, and `is true` keeps the pairs from
// becoming a join: they are a hash that each row found is looked up in.
const TAKE = statement(
  'pending-writes.take',
  `delete from pending_writes
   where tenant_id = any ($1) and livemode = any ($2) and resource_id = any ($3) and resource_kind = $4
     and ((tenant_id, livemode, resource_id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))) is true
   returning tenant_id, livemode, resource_id, resource_kind, idempotency_key, request_id`,
);

// Ids are chosen by clients and are met again in other commands; a command has one answer.
const TAKE_ANSWERED = statement(
  'pending-writes.take-answered',
  `delete from pending_writes
   where tenant_id = any ($1) and livemode = any ($2) and command_id = any ($3)
     and ((tenant_id, livemode, command_id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))) is true
   returning tenant_id, livemode, resource_id, resource_kind, idempotency_key, request_id, command_id, bulk_id`,
);

const SAVE_REPLIES = statement(
  'idempotency.save-replies',
  `update idempotency_records r set reply_status = v.status, reply_headers = v.headers, reply_body = v.body
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::smallint[], string_to_array($5, chr(30))::json[], string_to_array($6, chr(30)))
     as v (tenant_id, livemode, idempotency_key, status, headers, body)
   where r.tenant_id = v.tenant_id and r.livemode = v.livemode and r.idempotency_key = v.idempotency_key and r.reply_status is null`,
);

// The array sub-select keeps the limit out of a join, which under a generic plan would read the whole table.
const TAKE_OVERDUE = statement(
  'pending-writes.take-overdue',
  `update pending_writes set republished_at = clock_timestamp()
   where ctid = any (array (
     select ctid from pending_writes
     where coalesce(republished_at, accepted_at) < clock_timestamp() - $1 * interval '1 millisecond'
     order by accepted_at limit $2 for update skip locked))
   returning tenant_id, livemode, resource_id, resource_kind, idempotency_key, request_id, outbox_id, outbox_created_at`,
);

const COUNT_OVERDUE = statement(
  'pending-writes.count-overdue',
  `select count(*)::integer as writes, coalesce(extract(epoch from clock_timestamp() - min(accepted_at)), 0)::float8 as seconds
   from pending_writes where accepted_at < clock_timestamp() - $1 * interval '1 millisecond'`,
);

// What was answered to an id of the client's choice is kept for as long as the id means that: for ever. The statement's clock,
// which an index can go by: one that moves on within the statement has all keys looked through.
const PRUNE = statement(
  'idempotency.prune',
  `delete from idempotency_records
   where ctid = any (array (
     select ctid from idempotency_records where created_at < statement_timestamp() - $1 * interval '1 day'
       and created_at >= $3::timestamptz and (reply_status is not null or copy_of is not null) and content_hash is null limit $2))`,
);

interface PendingRow {
  tenant_id: string;
  livemode: boolean;
  resource_id: string;
  resource_kind: WriteKind;
  idempotency_key: string;
  request_id: string;
  bulk_id?: string | null;
}

/** Ends the waits of these resources: removes and returns what was noted of them, by {@link keyOf}. */
export async function takePending(
  tx: Transaction,
  kind: 'payment' | 'account',
  keys: readonly ResourceKey[],
): Promise<Map<string, PendingWrite>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.rows<PendingRow>(TAKE, [...keyColumns(kind, keys), kind]);
  return new Map(rows.map((row) => [keyOf(toPending(row)), toPending(row)]));
}

/** Ends the waits that these commands' answers end: removes and returns what was noted of them, by {@link keyOf} the command. */
export async function takeAnswered(
  tx: Transaction,
  commands: readonly ResourceKey[],
): Promise<Map<string, PendingWrite>> {
  const rows = await tx.rows<PendingRow & { command_id: string }>(TAKE_ANSWERED, keyColumns('event', commands));
  return new Map(rows.map((row) => [rowKeyOf('event', { ...row, id: row.command_id }), toPending(row)]));
}

/** Stores the final replies, each once and for good, with COMMIT. */
export function saveReplies(tx: Transaction, replies: readonly (readonly [PendingWrite, Reply])[]): void {
  if (replies.length === 0) return;
  const writes = replies.map(([write]) => write);
  tx.atCommit(SAVE_REPLIES, [
    ...ownerColumns(writes),
    writes.map(({ idempotencyKey }) => idempotencyKey),
    replies.map(([, { status }]) => status),
    joinJson(replies.map(([, { headers }]) => JSON.stringify(headers))),
    joinJson(replies.map(([, { body }]) => body)),
  ]);
}

/** Takes writes that have waited for `wait_ms` since they were accepted or last published again, oldest first. */
export async function takeOverdue(db: Database, wait_ms: number, limit: number): Promise<OverdueWrite[]> {
  const rows = await db.rows<PendingRow & { outbox_id: string; outbox_created_at: Date }>(TAKE_OVERDUE, [
    wait_ms,
    limit,
  ]);
  return rows.map((row) => ({
    ...toPending(row),
    outboxRow: { id: row.outbox_id, created_at: row.outbox_created_at },
  }));
}

/** How many writes have waited longer than `wait_ms`, and the age of the oldest in seconds. */
export async function countOverdue(
  db: Database,
  wait_ms: number,
): Promise<{ readonly writes: number; readonly seconds: number }> {
  const [row] = await db.rows<{ writes: number; seconds: number }>(COUNT_OVERDUE, [wait_ms]);
  return row ?? { writes: 0, seconds: 0 };
}

/**
 * Forgets answered keys older than `days` and not older than `since`, at most `limit` of them, but for those of ids that clients
 * chose. Returns how many.
 */
export async function pruneKeys(
  db: Database,
  { days, limit, since }: { readonly days: number; readonly limit: number; readonly since: Date | '-infinity' },
): Promise<number> {
  return db.count(PRUNE, [days, limit, since]);
}

function toPending(row: PendingRow): PendingWrite {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid(WRITE_ID_KINDS[row.resource_kind], row.resource_id),
    kind: row.resource_kind,
    idempotencyKey: row.idempotency_key,
    requestId: row.request_id,
    bulk: row.bulk_id ? fromUuid('bulk', row.bulk_id) : null,
  };
}
