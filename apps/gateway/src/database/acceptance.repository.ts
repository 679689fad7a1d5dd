import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Database, type Transaction } from '@payflow/database';
import type { Acceptable, KeyedWrite, Reply } from '../acceptance/acceptable.js';
import { WRITE_ID_KINDS, type WriteKind } from '../domain/write-kind.js';
import { keyOf, ownerColumns, type Owner, tenantOf, tenantUuid } from './keys.js';

/** What is stored under an Idempotency-Key. */
export interface IdempotencyRecord {
  readonly fingerprint: Buffer;
  readonly resourceId: string;
  /** Undefined while the write is on its way. */
  readonly reply: Reply | undefined;
}

const resourceUuid = ({ kind, view: { id } }: KeyedWrite['write']): string => uuidOf(WRITE_ID_KINDS[kind], id);

const KEYS = new Unnested<KeyedWrite>([
  ['tenant_id', 'uuid', ({ tenant }) => tenantUuid(tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['idempotency_key', 'text', ({ idempotencyKey }) => idempotencyKey],
  ['fingerprint', 'bytea', ({ fingerprint }) => fingerprint],
  ['resource_kind', 'text', ({ write }) => write.kind],
  ['resource_id', 'uuid', ({ write }) => resourceUuid(write)],
  ['api_version', 'text', ({ apiVersion }) => apiVersion],
  ['created_at', 'timestamptz', ({ write }) => write.view.createdAt],
]);

// Sorted by key, so that two groups with keys in common wait for each other in one direction only.
const INSERT_KEYS = statement(
  'idempotency.insert',
  `insert into idempotency_records (${KEYS.names}) select * from ${KEYS.from()}
   order by tenant_id, livemode, idempotency_key
   on conflict do nothing returning tenant_id, livemode, idempotency_key`,
);

const FIND_RECORDS = statement(
  'idempotency.find',
  `select tenant_id, livemode, idempotency_key, fingerprint, resource_kind, resource_id, reply_status, reply_headers, reply_body
   from idempotency_records
   where (tenant_id, livemode, idempotency_key) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))`,
);

// Only what has ended: of what has not, there is nothing to fetch.
const FIND_REPLIES = statement(
  'idempotency.find-replies',
  `select tenant_id, livemode, idempotency_key, reply_status, reply_headers, reply_body
   from idempotency_records
   where (tenant_id, livemode, idempotency_key) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))
     and reply_status is not null`,
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

interface ReplyRow extends OwnedRow {
  idempotency_key: string;
  reply_status: number | null;
  reply_headers: Record<string, string> | null;
  reply_body: string | null;
}

interface RecordRow extends ReplyRow {
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
  const taken = [...KEYS.batches(writes)].map((values) => tx.rows<ReplyRow>(INSERT_KEYS, values));
  return new Set((await Promise.all(taken)).flat().map(recordKeyOf));
}

/** Gives back keys that this transaction took. */
export async function dropKeys(tx: Transaction, writes: readonly Acceptable[]): Promise<void> {
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
    fingerprint: row.fingerprint,
    resourceId: fromUuid(WRITE_ID_KINDS[row.resource_kind], row.resource_id),
    reply: toReply(row),
  };
}

function toReply({ reply_status: status, reply_headers: headers, reply_body: body }: ReplyRow): Reply | undefined {
  return status === null || headers === null || body === null ? undefined : { status, headers, body };
}

function entryOf<V>(key: string, value: V | undefined): [string, V][] {
  return value === undefined ? [] : [[key, value]];
}
