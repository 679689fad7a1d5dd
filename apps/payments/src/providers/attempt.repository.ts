import { fromUuid, newUuid, uuidOf } from '@payflow/contracts';
import { statement, Unnested, type Database, type Transaction } from '@payflow/database';
import { aheadOf, parseTraceparent } from '@payflow/messaging';
import type { AttemptStatus, NewsSource } from '../domain/attempt.js';
import { WORKER, type Attempt, type AttemptKey, type AttemptRequest, type NewAttempt } from './attempt.js';

export type InsertedAttempt = NewAttempt & { readonly number: number };

export const ATTEMPTS = new Unnested<InsertedAttempt>([
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

/** SQL that writes down new attempts; the set's parameters begin at `$first`. */
export const attemptsInserted = (first: number): string =>
  `insert into attempts (${ATTEMPTS.names}) select * from ${ATTEMPTS.from(first)} order by tenant_id, livemode, id`;

const INSERT = statement('attempts.insert', attemptsInserted(1));

const AHEAD = aheadOf({ tenant: 'a.tenant_id', livemode: 'a.livemode' });

// The payment is read and not locked: it is the machine's, and its limits of time only ever move outwards, or nearer as a test
// clock goes on. The time is ours: what ends by a clock that is ahead ends by so much earlier. All are locked in one order, so that
// two groups never wait for each other. Of the evidence the tenant is compared in a way that no index has: the attempt's is short;
// and what another connector says of it is nobody's word: its secret is good for what it was asked.
const LOCK = statement(
  'attempts.lock',
  `select a.tenant_id, a.livemode, a.id, a.payment_id, a.operation_id, a.number, a.action, a.status, a.amount_minor, a.asset, a.request,
     a.connector, a.inquiries, a.needs_attention, a.created_at, a.sent_at, a.unknown_at, a.correlation_id, a.traceparent, a.version, a.code, a.provider_reference, a.url,
     clock_timestamp() as now,
     greatest(p.expires_at, p.authorized_until) - coalesce(${AHEAD}, 0) * interval '1 millisecond' as takes_until, others.first_id, others.last_id, others.tried, others.declined,
     case a.action when 'void' then (
       select min(v.created_at) from payment_operations w join attempts v on (v.tenant_id, v.livemode, v.operation_id) = (w.tenant_id, w.livemode, w.id)
       where (w.tenant_id, w.livemode, w.payment_id) = (a.tenant_id, a.livemode, a.payment_id) and v.action = 'void') end as voided_since,
     (select w.status from payment_operations w where w.tenant_id = a.tenant_id and w.livemode = a.livemode and w.id = a.operation_id) as operation_status, p.connector as payment_connector,
     (select case e.outcome when 'attempt_approved' then 'approved' else 'declined' end from provider_evidence e
      where e.attempt_id = a.id and (e.tenant_id, e.livemode) is not distinct from (a.tenant_id, a.livemode) and e.source = 'webhook'
        and e.connector = a.connector and e.outcome in ('attempt_approved', 'attempt_declined')
      order by e.received_at desc limit 1) as told
   from attempts a
     join payments p on p.tenant_id = a.tenant_id and p.livemode = a.livemode and p.id = a.payment_id
     cross join lateral (
       select (array_agg(o.id order by o.number))[1] as first_id, (array_agg(o.id order by o.number desc))[1] as last_id, array_remove(array_agg(o.connector order by o.number), null) as tried,
         (array_agg(o.code order by o.number desc) filter (where o.status = 'declined'))[1] as declined
       from attempts o
       where o.tenant_id = a.tenant_id and o.livemode = a.livemode and o.operation_id = a.operation_id and o.action = a.action) as others
   where (a.tenant_id, a.livemode, a.id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))
   order by a.tenant_id, a.livemode, a.id
   for update of a`,
);

interface Moved {
  readonly attempt: Attempt;
  readonly move: Move;
  /** Of whoever moves it. */
  readonly traceparent?: string | undefined;
}
const MOVES = new Unnested<Moved>([
  ['tenant_id', 'uuid', ({ attempt }) => uuidOf('tenant', attempt.tenant)],
  ['livemode', 'boolean', ({ attempt }) => attempt.livemode],
  ['id', 'uuid', ({ attempt }) => uuidOf('attempt', attempt.id)],
  ['version', 'bigint', ({ attempt }) => attempt.version],
  ['from_status', 'text', ({ attempt }) => attempt.status],
  ['status', 'text', ({ move }) => move.status],
  ['connector', 'text', ({ move }) => move.connector ?? null],
  ['routing', 'text', ({ move }) => (move.routing ? JSON.stringify(move.routing) : null)],
  ['provider_reference', 'text', ({ move }) => move.reference ?? null],
  ['code', 'text', ({ move }) => move.code ?? null],
  ['url', 'text', ({ move }) => move.url ?? null],
  ['inquiries', 'integer', ({ move }) => move.inquiries ?? 0],
  ['needs_attention', 'boolean', ({ attempt, move }) => move.needsAttention ?? attempt.needsAttention],
  ['actor', 'text', ({ move }) => move.actor ?? WORKER],
  ['reason', 'text', ({ move }) => move.reason],
  [
    'trace_id',
    'text',
    ({ attempt, traceparent }) => parseTraceparent(traceparent ?? attempt.traceparent)?.traceId ?? null,
  ],
]);

// Conditional on state and version, though the rows are locked: whoever moved one meanwhile without the lock wins. What moves is
// logged in the same statement.
const MOVE = statement(
  'attempts.move',
  `with m as (select * from ${MOVES.from(1, 'm')}),
   moved as (
     update attempts a set status = m.status, connector = coalesce(m.connector, a.connector), routing = coalesce(m.routing::json, a.routing),
       provider_reference = coalesce(m.provider_reference, a.provider_reference), code = coalesce(m.code, a.code), url = coalesce(m.url, a.url),
       inquiries = a.inquiries + m.inquiries, needs_attention = m.needs_attention,
       sent_at = case when m.status = 'sending' then coalesce(a.sent_at, clock_timestamp()) else a.sent_at end,
       unknown_at = case when m.status = 'unknown' then coalesce(a.unknown_at, clock_timestamp()) else a.unknown_at end,
       version = a.version + 1, updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from m
     where a.tenant_id = m.tenant_id and a.livemode = m.livemode and a.id = m.id and a.status = m.from_status and a.version = m.version
     returning a.tenant_id, a.livemode, a.id, a.version, m.from_status, a.status, m.actor, m.reason, m.trace_id),
   logged as (
     insert into attempt_transitions (tenant_id, livemode, attempt_id, version, from_status, to_status, actor, reason, trace_id)
     select * from moved)
   select id from moved`,
);

type EvidenceOf = KeptEvidence & { readonly attempt: Attempt };
const SAID = new Unnested<EvidenceOf>([
  ['tenant_id', 'uuid', ({ attempt }) => uuidOf('tenant', attempt.tenant)],
  ['livemode', 'boolean', ({ attempt }) => attempt.livemode],
  ['id', 'uuid', () => newUuid()],
  ['payment_id', 'uuid', ({ attempt }) => uuidOf('payment', attempt.payment)],
  ['attempt_id', 'uuid', ({ attempt }) => uuidOf('attempt', attempt.id)],
  ['connector', 'text', ({ connector }) => connector],
  ['source', 'text', ({ source }) => source],
  ['outcome', 'text', ({ outcome }) => outcome],
  ['code', 'text', ({ code }) => code],
  ['provider_reference', 'text', ({ reference }) => reference],
  ['content', 'json', ({ content }) => contentOf(content)],
  ['believed', 'boolean', ({ believed }) => believed],
]);

const EVIDENCE = statement(
  'attempts.keep-evidence',
  `insert into provider_evidence (${SAID.names}) select * from ${SAID.from()}`,
);

/** A change of an attempt; what is absent stays. */
export interface Move {
  readonly status: AttemptStatus;
  /** Why, as the log has it: stable snake_case. */
  readonly reason: string;
  /** Who, where it is not the worker. */
  readonly actor?: string;
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
  readonly tenant_id: string;
  readonly livemode: boolean;
  readonly id: string;
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
  readonly sent_at: Date | null;
  readonly unknown_at: Date | null;
  readonly correlation_id: string | null;
  readonly traceparent: string | null;
  readonly version: bigint;
  readonly now: Date;
  readonly takes_until: Date;
  readonly code: string | null;
  readonly provider_reference: string | null;
  readonly url: string | null;
  readonly first_id: string;
  readonly last_id: string;
  readonly tried: readonly string[];
  readonly declined: string | null;
  readonly voided_since: Date | null;
  readonly operation_status: string | null;
  readonly payment_connector: string | null;
  told: Attempt['told'];
}

export async function insertAttempts(tx: Transaction, attempts: readonly InsertedAttempt[]): Promise<void> {
  for (const values of ATTEMPTS.batches(attempts)) await tx.count(INSERT, values);
}

/** The attempts by their ids, and nobody else moves them until the transaction ends. */
export async function lockAttempts(tx: Transaction, keys: readonly AttemptKey[]): Promise<Map<string, Attempt>> {
  const rows = await tx.rows<LockedRow>(LOCK, [
    keys.map(({ tenant }) => uuidOf('tenant', tenant)),
    keys.map(({ livemode }) => livemode),
    keys.map(({ id }) => uuidOf('attempt', id)),
  ]);
  return new Map(rows.map(toAttempt).map((attempt) => [attempt.id, attempt]));
}

function toAttempt(row: LockedRow): Attempt {
  return {
    ...toKey(row),
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
    sentAt: row.sent_at,
    unknownAt: row.unknown_at,
    version: row.version,
    now: row.now,
    takesUntil: row.takes_until,
    first: fromUuid('attempt', row.first_id),
    last: fromUuid('attempt', row.last_id),
    said: { code: row.code, reference: row.provider_reference, url: row.url },
    tried: row.tried,
    declined: row.declined,
    voidedSince: row.voided_since,
    isWanted: row.operation_status === 'asking',
    isGivenUp: row.operation_status === 'failed',
    takenBy: takenBy(row),
    told: row.told,
    ...(row.correlation_id ? { correlation: fromUuid('event', row.correlation_id) } : {}),
    ...(row.traceparent ? { traceparent: row.traceparent } : {}),
  };
}

/** Of evidence the machine hears nothing: its operation is done from the start, whatever becomes of what is sent. */
function takenBy({ action, operation_status, payment_connector }: LockedRow): string | null {
  const isHeard = operation_status === 'settling' || operation_status === 'succeeded';
  return isHeard && action !== 'submit_evidence' ? payment_connector : null;
}

export async function moveAttempts(tx: Transaction, moves: readonly Moved[]): Promise<void> {
  let moved = 0;
  for (const values of MOVES.batches(moves)) moved += await tx.count(MOVE, values);
  if (moved !== moves.length) throw new Error(`${moves.length - moved} attempts were moved by another`);
}

export async function keepEvidence(tx: Transaction, evidence: readonly EvidenceOf[]): Promise<void> {
  for (const values of SAID.batches(evidence)) await tx.count(EVIDENCE, values);
}

/** What a provider may say at most, in characters of JSON: more is a page of somebody's error, not evidence. */
const CONTENT_LENGTH_MAX = 16_384;

function contentOf(content: object): string {
  const text = JSON.stringify(content);
  return text.length > CONTENT_LENGTH_MAX ? JSON.stringify({ cut: text.slice(0, CONTENT_LENGTH_MAX / 2) }) : text;
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

const APPROVED_SALES = statement(
  'attempts.approved-sales',
  `select tenant_id, livemode, id, traceparent, status from attempts
   where (operation_id, tenant_id, livemode) in (select * from unnest($1::uuid[], $2::uuid[], $3::boolean[]))
     and action = 'sale' and status = 'approved'`,
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

/** An operation that providers were asked for; `id` is its UUID. */
export interface AskedOperation {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
}

/** The sales by which a provider took the money for one of the operations. */
export async function salesApproved(tx: Transaction, operations: readonly AskedOperation[]): Promise<OpenAttempt[]> {
  if (operations.length === 0) return [];
  const rows = await tx.rows<OpenRow>(APPROVED_SALES, [
    operations.map(({ id }) => id),
    operations.map(({ tenant }) => uuidOf('tenant', tenant)),
    operations.map(({ livemode }) => livemode),
  ]);
  return rows.map(toOpen);
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
