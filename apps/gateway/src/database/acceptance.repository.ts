import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, Unnested, type BulkColumn, type Database, type Transaction } from '@payflow/database';
import type { Acceptable, KeyedWrite, Reply } from '../acceptance/acceptable.js';
import { WRITE_ID_KINDS, type WriteKind } from '../domain/write-kind.js';
import { keyOf, ownerColumns, type Owner, tenantOf, tenantUuid } from './keys.js';

/** What is stored under an Idempotency-Key. */
export interface IdempotencyRecord {
  /** The key of the write: another one where this is a copy of it by its id. */
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly resourceId: string;
  /** What it asks for was made by a bulk, which is answered whole: no reply of its own will come. */
  readonly isMadeByBulk: boolean;
  /** Undefined while the write is on its way. */
  readonly reply: Reply | undefined;
}

const resourceUuid = ({ kind, view: { id } }: KeyedWrite['write']): string => uuidOf(WRITE_ID_KINDS[kind], id);

const KEY_COLUMNS: readonly BulkColumn<KeyedWrite>[] = [
  ['tenant_id', 'uuid', ({ tenant }) => tenantUuid(tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['idempotency_key', 'text', ({ idempotencyKey }) => idempotencyKey],
  ['fingerprint', 'bytea', ({ fingerprint }) => fingerprint],
  ['resource_kind', 'text', ({ write }) => write.kind],
  ['resource_id', 'uuid', ({ write }) => resourceUuid(write)],
  ['api_version', 'text', ({ apiVersion }) => apiVersion],
  ['created_at', 'timestamptz', ({ write }) => write.view.createdAt],
];
const KEYS = new Unnested(KEY_COLUMNS);
const NAMED_KEYS = new Unnested<KeyedWrite>([
  ...KEY_COLUMNS,
  ['content_hash', 'bytea', ({ write }) => write.contentHash ?? null],
]);

// Sorted by key, so that two groups with keys in common wait for each other in one direction only.
const INSERT_KEYS = statement(
  'idempotency.insert',
  `insert into idempotency_records (${KEYS.names}) select * from ${KEYS.from()}
   order by tenant_id, livemode, idempotency_key
   on conflict do nothing returning tenant_id, livemode, idempotency_key`,
);

// Only writes with an id of the client's choice are told apart by what they ask for.
const INSERT_NAMED_KEYS = statement(
  'idempotency.insert-named',
  `insert into idempotency_records (${NAMED_KEYS.names}) select * from ${NAMED_KEYS.from()}
   order by tenant_id, livemode, idempotency_key
   on conflict do nothing returning tenant_id, livemode, idempotency_key`,
);

// A copy by its id has the answer of the first, which is kept under that one's key.
const FIND_RECORDS = statement(
  'idempotency.find',
  `select r.tenant_id, r.livemode, r.idempotency_key, r.copy_of, r.fingerprint, r.resource_kind, r.resource_id,
     coalesce(r.reply_status, f.reply_status) as reply_status, coalesce(r.reply_headers, f.reply_headers) as reply_headers,
     coalesce(r.reply_body, f.reply_body) as reply_body
   from idempotency_records r left join idempotency_records f
     on f.tenant_id = r.tenant_id and f.livemode = r.livemode and f.idempotency_key = r.copy_of
   where (r.tenant_id, r.livemode, r.idempotency_key) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))`,
);

// Only what has ended: of what has not, there is nothing to fetch. Who waits may know its own key alone, and be a copy.
const FIND_REPLIES = statement(
  'idempotency.find-replies',
  `select r.tenant_id, r.livemode, r.idempotency_key, coalesce(r.reply_status, f.reply_status) as reply_status,
     coalesce(r.reply_headers, f.reply_headers) as reply_headers, coalesce(r.reply_body, f.reply_body) as reply_body
   from idempotency_records r left join idempotency_records f
     on f.tenant_id = r.tenant_id and f.livemode = r.livemode and f.idempotency_key = r.copy_of
   where (r.tenant_id, r.livemode, r.idempotency_key) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))
     and (r.reply_status is not null or f.reply_status is not null)`,
);

const DELETE_KEYS = statement(
  'idempotency.delete',
  `delete from idempotency_records
   where (tenant_id, livemode, idempotency_key) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))`,
);

/** A write that was acknowledged, with the outbox row that holds its command. */
type AcceptedWrite = readonly [write: Acceptable, outboxRow: { readonly id: string; readonly created_at: Date }];

const PENDING = new Unnested<AcceptedWrite>([
  ['tenant_id', 'uuid', ([{ tenant }]) => tenantUuid(tenant)],
  ['livemode', 'boolean', ([{ livemode }]) => livemode],
  ['resource_id', 'uuid', ([{ write }]) => resourceUuid(write)],
  ['resource_kind', 'text', ([{ write }]) => write.kind],
  ['idempotency_key', 'text', ([{ idempotencyKey }]) => idempotencyKey],
  ['request_id', 'text', ([{ requestId }]) => requestId],
  ['accepted_at', 'timestamptz', ([{ write }]) => write.view.createdAt],
  ['outbox_id', 'uuid', ([, { id }]) => id],
  ['outbox_created_at', 'timestamptz', ([, row]) => row.created_at],
  ['command_id', 'uuid', ([{ write }]) => (write.commandId === undefined ? null : uuidOf('event', write.commandId))],
]);

const INSERT_PENDING = statement(
  'pending-writes.insert',
  `insert into pending_writes (${PENDING.names}) select * from ${PENDING.from()}`,
);

interface OwnedRow {
  tenant_id: string;
  livemode: boolean;
}

export interface ReplyRow extends OwnedRow {
  idempotency_key: string;
  reply_status: number | null;
  reply_headers: Record<string, string> | null;
  reply_body: string | null;
}

interface RecordRow extends ReplyRow {
  copy_of: string | null;
  fingerprint: Buffer;
  resource_kind: WriteKind;
  resource_id: string;
}

/** An Idempotency-Key of one owner as one text, for maps and sets. */
export function idempotencyKeyOf(owner: Owner & { readonly idempotencyKey: string }): string {
  return keyOf({ ...owner, id: owner.idempotencyKey });
}

/** Takes the keys; returns those that nobody had. Waits for transactions that are taking one of them right now. */
export async function takeKeys(tx: Transaction, writes: readonly KeyedWrite[]): Promise<Set<string>> {
  const isAnyNamed = writes.some(({ write }) => write.contentHash !== undefined);
  const [keys, insert] = isAnyNamed ? [NAMED_KEYS, INSERT_NAMED_KEYS] : [KEYS, INSERT_KEYS];
  const taken = [...keys.batches(writes)].map((values) => tx.rows<ReplyRow>(insert, values));
  return new Set((await Promise.all(taken)).flat().map(recordKeyOf));
}

/** Gives back keys that this transaction took. */
export async function dropKeys(
  tx: Transaction,
  writes: readonly Pick<KeyedWrite, 'tenant' | 'livemode' | 'idempotencyKey'>[],
): Promise<void> {
  await tx.count(DELETE_KEYS, recordKeyColumns(writes));
}

/** What is stored under the keys of these writes, by {@link idempotencyKeyOf}. */
export async function findRecords(
  tx: Transaction | Database,
  writes: readonly Pick<KeyedWrite, 'tenant' | 'livemode' | 'idempotencyKey'>[],
): Promise<Map<string, IdempotencyRecord>> {
  const rows = await tx.rows<RecordRow>(FIND_RECORDS, recordKeyColumns(writes));
  return new Map(rows.map((row) => [recordKeyOf(row), toRecord(row)]));
}

/** The final replies that are stored under these keys by now, by {@link idempotencyKeyOf}. */
export async function findReplies(
  db: Database,
  keys: readonly (Owner & { readonly idempotencyKey: string })[],
): Promise<Map<string, Reply>> {
  const rows = await db.rows<ReplyRow>(FIND_REPLIES, recordKeyColumns(keys));
  return new Map(rows.flatMap((row) => entryOf(recordKeyOf(row), toReply(row))));
}

/** Notes writes as acknowledged and not ended, each with the outbox row that holds its command; with COMMIT. */
export function insertPending(tx: Transaction, accepted: readonly AcceptedWrite[]): void {
  for (const values of PENDING.batches(accepted)) tx.atCommit(INSERT_PENDING, values);
}

function recordKeyColumns(keys: readonly (Owner & { readonly idempotencyKey: string })[]): unknown[] {
  return [...ownerColumns(keys), keys.map(({ idempotencyKey }) => idempotencyKey)];
}

function recordKeyOf(row: Pick<RecordRow, 'tenant_id' | 'livemode' | 'idempotency_key'>): string {
  return idempotencyKeyOf({
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    idempotencyKey: row.idempotency_key,
  });
}

function toRecord(row: RecordRow): IdempotencyRecord {
  return {
    idempotencyKey: row.copy_of ?? row.idempotency_key,
    fingerprint: row.fingerprint,
    resourceId: fromUuid(WRITE_ID_KINDS[row.resource_kind], row.resource_id),
    isMadeByBulk: row.copy_of === row.idempotency_key,
    reply: toReply(row),
  };
}

/** The final reply of a row that has one. */
export function toReply({
  reply_status: status,
  reply_headers: headers,
  reply_body: body,
}: Pick<ReplyRow, 'reply_status' | 'reply_headers' | 'reply_body'>): Reply | undefined {
  return status === null || headers === null || body === null ? undefined : { status, headers, body };
}

function entryOf<V>(key: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[key, value]];
}
