import { fromUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { Acceptable, KeyedWrite, Reply } from '../acceptance/acceptable.js';
import { WRITE_ID_KINDS, type WriteKind } from '../domain/write-kind.js';
import { takeKeys, toReply, type ReplyRow } from './acceptance.repository.js';
import { ownerColumns, type Owner } from './keys.js';

/** A write under an id that the client chose. */
export interface NamedWrite extends Owner {
  readonly idempotencyKey: string;
  readonly kind: WriteKind;
  readonly id: string;
  /** Of a group: their ids may be the client's, too. */
  readonly transfers: readonly string[];
  readonly contentHash: Buffer;
}

/** The write that was first to ask for the same under the same id. */
export interface First {
  readonly idempotencyKey: string;
  readonly resourceId: string;
  /** Undefined while it is on its way. */
  readonly reply: Reply | undefined;
}

// A transfer of a group leads to the group, whose own id may be one that the gateway made up.
const FIND_FIRSTS = statement(
  'idempotency.find-firsts',
  `with wanted as materialized (
     select * from unnest($1::uuid[], $2::boolean[], $3::integer[], $4::text[], $5::uuid[]) as w (tenant_id, livemode, place, kind, id)),
   named as (
     select tenant_id, livemode, place, kind, id from wanted where kind <> 'leg'
     union
     select tenant_id, livemode, w.place, 'group', t.group_id from wanted w join transfer_views t using (tenant_id, livemode, id)
     where w.kind = 'leg' and t.group_id is not null)
   select n.place, r.idempotency_key, r.resource_kind, r.resource_id, r.content_hash, r.reply_status, r.reply_headers, r.reply_body
   from named n join idempotency_records r on r.tenant_id = n.tenant_id and r.livemode = n.livemode and r.resource_id = n.id
     and r.resource_kind = n.kind and r.content_hash is not null
   order by n.place, r.created_at`,
);

// The key stands for what it was sent with, and for the answer of the first.
const MARK_COPIES = statement(
  'idempotency.mark-copies',
  `update idempotency_records r set copy_of = c.first, content_hash = null, resource_id = c.resource_id
   from unnest($1::uuid[], $2::boolean[], $3::text[], $4::text[], $5::uuid[]) as c (tenant_id, livemode, idempotency_key, first, resource_id)
   where r.tenant_id = c.tenant_id and r.livemode = c.livemode and r.idempotency_key = c.idempotency_key`,
);

interface FirstRow extends Omit<ReplyRow, 'tenant_id' | 'livemode'> {
  place: number;
  resource_kind: WriteKind;
  resource_id: string;
  content_hash: Buffer;
}

/** The firsts of these writes, where there are any, by the writes. A write's own key is none. */
export async function findFirsts(
  tx: Transaction | Database,
  writes: readonly NamedWrite[],
): Promise<Map<NamedWrite, First>> {
  const wanted = writes.flatMap((write, place) => [
    { ...ownerOf(write), place, kind: write.kind as string, id: uuidOf(WRITE_ID_KINDS[write.kind], write.id) },
    ...write.transfers.map((id) => ({ ...ownerOf(write), place, kind: 'leg', id: uuidOf('transfer', id) })),
  ]);
  if (wanted.length === 0) return new Map();
  const rows = await tx.rows<FirstRow>(FIND_FIRSTS, [
    ...ownerColumns(wanted),
    wanted.map(({ place }) => place),
    wanted.map(({ kind }) => kind),
    wanted.map(({ id }) => id),
  ]);
  const firsts = new Map<NamedWrite, First>();
  for (const row of rows) {
    const write = writes[row.place] as NamedWrite;
    const isFirst = row.idempotency_key !== write.idempotencyKey && row.content_hash.equals(write.contentHash);
    if (isFirst && !firsts.has(write)) firsts.set(write, firstOf(row));
  }
  return firsts;
}

/** Lets keys that this transaction took stand for the answers of others. */
export async function markCopies(tx: Transaction, copies: readonly (readonly [NamedWrite, First])[]): Promise<void> {
  if (copies.length === 0) return;
  await tx.count(MARK_COPIES, [
    ...ownerColumns(copies.map(([copy]) => copy)),
    copies.map(([{ idempotencyKey }]) => idempotencyKey),
    copies.map(([, { idempotencyKey }]) => idempotencyKey),
    copies.map(([{ kind }, { resourceId }]) => uuidOf(WRITE_ID_KINDS[kind], resourceId)),
  ]);
}

/** Notes a key that nobody has as a copy of the first, without asking for anything. */
export async function takeCopyKey(
  tx: Transaction,
  copy: Pick<KeyedWrite, 'tenant' | 'livemode' | 'idempotencyKey' | 'fingerprint' | 'apiVersion'>,
  named: NamedWrite,
  first: First,
): Promise<void> {
  const view = { id: first.resourceId, createdAt: new Date().toISOString() };
  const taken = await takeKeys(tx, [{ ...copy, write: { kind: named.kind, view } }]);
  if (taken.size > 0) await markCopies(tx, [[named, first]]);
}

function ownerOf({ tenant, livemode }: Owner): Owner {
  return { tenant, livemode };
}

function firstOf(row: FirstRow): First {
  return {
    idempotencyKey: row.idempotency_key,
    resourceId: fromUuid(WRITE_ID_KINDS[row.resource_kind], row.resource_id),
    reply: toReply(row),
  };
}

/** What a write is known by, where the client chose its id. */
export function namedOf({ tenant, livemode, idempotencyKey, write }: Acceptable): NamedWrite | undefined {
  const { kind, contentHash, view } = write;
  if (!contentHash) return undefined;
  const transfers = kind === 'group' ? write.view.transfers.map(({ id }) => id) : [];
  return { tenant, livemode, idempotencyKey, kind, id: view.id, transfers, contentHash };
}
