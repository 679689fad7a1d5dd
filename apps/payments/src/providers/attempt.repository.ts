import { fromUuid, newUuid, uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Database, type Transaction } from '@payflow/database';
import { aheadOf } from '@payflow/messaging';
import type { AttemptStatus, NewsSource } from '../domain/attempt.js';
import type { Attempt, AttemptKey, AttemptRequest, NewAttempt } from './attempt.js';

type InsertedAttempt = NewAttempt & { readonly number: number };

const NEW = new Unnested<InsertedAttempt>([
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', ({ id }) => uuidOf('attempt', id)],
  ['payment_id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['operation_id', 'uuid', ({ operation }) => operation],
  ['number', 'integer', ({ number }) => number],
  ['action', 'text', ({ action }) => action],
  ['amount_minor', 'bigint', ({ amount }) => amount],
  ['asset', 'text', ({ asset }) => asset],
  ['request', 'json', ({ request }) => JSON.stringify(request)],
  ['connector', 'text', ({ connector }) => connector],
  ['correlation_id', 'uuid', ({ correlation }) => (correlation ? uuidOf('event', correlation) : null)],
  ['traceparent', 'text', ({ traceparent }) => traceparent ?? null],
]);

const INSERT = statement(
  'attempts.insert',
  `insert into attempts (${NEW.names}) select * from ${NEW.from()} order by tenant_id, livemode, id`,
);

const AHEAD = aheadOf({ tenant: 'a.tenant_id', livemode: 'a.livemode' });

// The payment is read and not locked: it is the machine's, and its limits of time only ever move outwards, or nearer as a test
// clock goes on. The time is ours: what ends by a clock that is ahead ends by so much earlier.
const LOCK = statement(
  'attempts.lock',
  `select a.payment_id, a.operation_id, a.number, a.action, a.status, a.amount_minor, a.asset, a.request, a.connector,
     a.inquiries, a.needs_attention, a.created_at, a.unknown_at, a.correlation_id, a.traceparent, a.version, clock_timestamp() as now,
     greatest(p.expires_at, p.authorized_until) - coalesce(${AHEAD}, 0) * interval '1 millisecond' as takes_until, others.first_id, others.tried, others.declined,
     (select case e.outcome when 'attempt_approved' then 'approved' else 'declined' end from provider_evidence e
      where e.tenant_id = a.tenant_id and e.livemode = a.livemode and e.attempt_id = a.id and e.source = 'webhook'
        and e.outcome in ('attempt_approved', 'attempt_declined')
      order by e.received_at desc limit 1) as told
   from attempts a
     join payments p on p.tenant_id = a.tenant_id and p.livemode = a.livemode and p.id = a.payment_id
     cross join lateral (
       select (array_agg(o.id order by o.number))[1] as first_id, array_remove(array_agg(o.connector order by o.number), null) as tried,
         (array_agg(o.code order by o.number desc) filter (where o.status = 'declined'))[1] as declined
       from attempts o
       where o.tenant_id = a.tenant_id and o.livemode = a.livemode and o.operation_id = a.operation_id and o.action = a.action) as others
   where a.tenant_id = $1 and a.livemode = $2 and a.id = $3
   for update of a`,
);

// Conditional on the version, though the row is locked: whoever moved it meanwhile without the lock wins.
const MOVE = statement(
  'attempts.move',
  `update attempts set status = $5, connector = coalesce($6, connector), routing = coalesce($7::json, routing),
     provider_reference = coalesce($8, provider_reference), code = coalesce($9, code), url = coalesce($10, url),
     inquiries = inquiries + $11, needs_attention = $12,
     sent_at = case when $5 = 'sending' then coalesce(sent_at, clock_timestamp()) else sent_at end,
     unknown_at = case when $5 = 'unknown' then coalesce(unknown_at, clock_timestamp()) else unknown_at end,
     version = version + 1, updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
   where tenant_id = $1 and livemode = $2 and id = $3 and version = $4`,
);

const EVIDENCE = statement(
  'attempts.keep-evidence',
  `insert into provider_evidence (tenant_id, livemode, id, payment_id, attempt_id, connector, source, outcome, code, provider_reference, content, believed)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
);

/** A change of an attempt; what is absent stays. */
export interface Move {
  readonly status: AttemptStatus;
  readonly connector?: string;
  readonly routing?: object;
  readonly reference?: string | null;
  readonly code?: string | null;
  readonly url?: string | null;
  readonly inquiries?: number;
  readonly needsAttention?: boolean;
}

/** What somebody said of an attempt. */
export interface KeptEvidence {
  readonly connector: string;
  readonly source: NewsSource;
  readonly outcome: string;
  readonly code: string | null;
  readonly reference: string | null;
  readonly content: object;
  readonly believed: boolean;
}

interface LockedRow {
  readonly payment_id: string;
  readonly operation_id: string;
  readonly number: number;
  readonly action: Attempt['action'];
  readonly status: AttemptStatus;
  readonly amount_minor: bigint | null;
  readonly asset: string;
  readonly request: AttemptRequest;
  readonly connector: string | null;
  readonly inquiries: number;
  readonly needs_attention: boolean;
  readonly created_at: Date;
  readonly unknown_at: Date | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
  readonly version: bigint;
  readonly now: Date;
  readonly takes_until: Date;
  readonly first_id: string;
  readonly tried: readonly string[];
  readonly declined: string | null;
  told: Attempt['told'];
}

export async function insertAttempts(tx: Transaction, attempts: readonly InsertedAttempt[]): Promise<void> {
  for (const values of NEW.batches(attempts)) await tx.count(INSERT, values);
}

/** The attempt, and nobody else moves it until the transaction ends. */
export async function lockAttempt(tx: Transaction, key: AttemptKey): Promise<Attempt | undefined> {
  const [row] = await tx.rows<LockedRow>(LOCK, keyOf(key));
  if (!row) return undefined;
  return {
    ...key,
    payment: fromUuid('payment', row.payment_id),
    operation: row.operation_id,
    number: row.number,
    action: row.action,
    status: row.status,
    amount: row.amount_minor,
    asset: row.asset,
    request: row.request,
    connector: row.connector,
    inquiries: row.inquiries,
    needsAttention: row.needs_attention,
    createdAt: row.created_at,
    unknownAt: row.unknown_at,
    version: row.version,
    now: row.now,
    takesUntil: row.takes_until,
    first: fromUuid('attempt', row.first_id),
    tried: row.tried,
    declined: row.declined,
    told: row.told,
    ...(row.correlation_id ? { correlation: fromUuid('event', row.correlation_id) } : {}),
    ...(row.traceparent ? { traceparent: row.traceparent } : {}),
  };
}

export async function moveAttempt(tx: Transaction, attempt: Attempt, move: Move): Promise<void> {
  const moved = await tx.count(MOVE, [
    ...keyOf(attempt),
    attempt.version,
    move.status,
    move.connector ?? null,
    move.routing ? JSON.stringify(move.routing) : null,
    move.reference ?? null,
    move.code ?? null,
    move.url ?? null,
    move.inquiries ?? 0,
    move.needsAttention ?? attempt.needsAttention,
  ]);
  if (moved !== 1) throw new Error(`the attempt ${attempt.id} was moved by another`);
}

/** What a provider may say at most, in characters of JSON: more is a page of somebody's error, not evidence. */
const CONTENT_LENGTH_MAX = 16_384;

export async function keepEvidence(tx: Transaction, attempt: Attempt, evidence: KeptEvidence): Promise<void> {
  const { connector, source, outcome, code, reference, believed } = evidence;
  const content = JSON.stringify(evidence.content);
  await tx.count(EVIDENCE, [
    ...keyOf(attempt).slice(0, 2),
    newUuid(),
    uuidOf('payment', attempt.payment),
    uuidOf('attempt', attempt.id),
    connector,
    source,
    outcome,
    code,
    reference,
    content.length > CONTENT_LENGTH_MAX ? JSON.stringify({ cut: content.slice(0, CONTENT_LENGTH_MAX / 2) }) : content,
    believed,
  ]);
}

function keyOf({ tenant, livemode, id }: AttemptKey): unknown[] {
  return [uuidOf('tenant', tenant), livemode, uuidOf('attempt', id)];
}

// What waits in the queue, runs or is dead there is not lost. The keys are those that the jobs are enqueued under.
const LOST = statement(
  'attempts.lost',
  `select tenant_id, livemode, id, traceparent, status from attempts a
   where status in ('created', 'sending', 'unknown') and not needs_attention
     and updated_at < clock_timestamp() - $1 * interval '1 millisecond'
     and not exists (select from graphile_worker._private_jobs j where j.key = case a.status when 'unknown'
       then 'inquire/' else 'ask/' end || a.id)
   order by updated_at limit $2`,
);

const ATTENTION = statement(
  'attempts.attention',
  `select tenant_id, livemode, id, payment_id, operation_id, action, status, amount_minor, asset, connector, provider_reference,
     code, inquiries, sent_at, unknown_at, updated_at
   from attempts where needs_attention order by updated_at limit $1`,
);

const ATTENTION_COUNT = statement(
  'attempts.attention-count',
  'select count(*)::integer as attempts from attempts where needs_attention',
);

/** What a job is made of. */
export interface OpenAttempt extends AttemptKey {
  readonly traceparent: string | undefined;
}
export interface LostAttempt extends OpenAttempt {
  readonly status: AttemptStatus;
}

interface OpenRow {
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly traceparent: string | null;
  readonly status: AttemptStatus;
}

/** Attempts that nothing has moved for so long, and that nothing in the queue is about. */
export async function lostAttempts(tx: Transaction, idle_ms: number, limit: number): Promise<LostAttempt[]> {
  return (await tx.rows<OpenRow>(LOST, [idle_ms, limit])).map((row) => ({ ...toOpen(row), status: row.status }));
}

export interface AttemptListing extends AttemptKey {
  readonly payment: string;
  readonly action: string;
  readonly status: AttemptStatus;
  readonly amount: string | null;
  readonly asset: string;
  readonly connector: string | null;
  readonly reference: string | null;
  readonly code: string | null;
  readonly inquiries: number;
  readonly sentAt: Date | null;
  readonly unknownAt: Date | null;
}

interface ListedRow extends Omit<OpenRow, 'traceparent'> {
  readonly inquiries: number;
  readonly payment_id: string;
  readonly action: string;
  readonly amount_minor: bigint | null;
  readonly asset: string;
  readonly connector: string | null;
  readonly provider_reference: string | null;
  readonly code: string | null;
  readonly sent_at: Date | null;
  readonly unknown_at: Date | null;
}

/** Attempts that a human has to look at, the longest waiting first. */
export async function attemptsInNeed(db: Database, limit: number): Promise<AttemptListing[]> {
  const rows = await db.rows<ListedRow>(ATTENTION, [limit]);
  return rows.map((row) => ({
    ...toKey(row),
    payment: fromUuid('payment', row.payment_id),
    action: row.action,
    status: row.status,
    amount: row.amount_minor?.toString() ?? null,
    asset: row.asset,
    connector: row.connector,
    reference: row.provider_reference,
    code: row.code,
    inquiries: row.inquiries,
    sentAt: row.sent_at,
    unknownAt: row.unknown_at,
  }));
}

export async function countInNeed(db: Database): Promise<number> {
  return (await db.rows<{ attempts: number }>(ATTENTION_COUNT))[0]?.attempts ?? 0;
}

function toOpen(row: OpenRow): OpenAttempt {
  return { ...toKey(row), traceparent: row.traceparent ?? undefined };
}

function toKey(row: Pick<OpenRow, 'tenant_id' | 'livemode' | 'id'>): AttemptKey {
  return { tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode, id: fromUuid('attempt', row.id) };
}
