import { fromUuid, uuidOf, type AttemptStatus, type PaymentStatus } from '@payflow/contracts';
import { RunAgain, statement, type Database, type Part, type Row, type Transaction } from '@payflow/database';
import type { Dispute, Leg } from '../domain/dispute.js';
import {
  DISPUTE_CHANGING,
  DISPUTE_COLUMNS,
  DISPUTE_RECORD,
  disputeRecord,
  toDispute,
  type DisputeRow,
} from './dispute-row.js';
import {
  attemptRecord,
  evidenceRecord,
  legRecord,
  transitionRecord,
  type DisputeTransition,
  type EvidenceAttempt,
  type NoticeEvidence,
} from './dispute-records.js';
import { parked } from './parked.js';
import type { PaymentKey } from './payment.repository.js';

/** A payment that is, or may be, disputed. */
export interface DisputablePayment extends PaymentKey {
  readonly source: string;
  readonly destination: string;
  readonly asset: string;
  /** What it was made with. */
  readonly amount: string;
  readonly captured: bigint;
  /** What a provider was asked to take beside that, and has not declined: it may be captured there by now. */
  readonly beingCaptured: bigint;
  readonly status: PaymentStatus;
  /** Who took the money; null where it is not known yet, or nobody outside did. */
  readonly takenBy: string | null;
  /** Of what is not captured: who was asked to take the money, and has not said that they did not. */
  readonly askedOf: readonly string[];
  readonly disputes: readonly Dispute[];
  /** Of what was told of it: the {@link numberOf} disputes that are another payment's. */
  readonly elsewhere: ReadonlySet<string>;
  /** Ids of the ledger's events that were heard of them. */
  readonly verdicts: ReadonlySet<string>;
  /** The database's clock after the locks, RFC 3339. */
  readonly now: string;
}

/** The number that a provider gave to a dispute of the payment. */
export interface ToldDispute extends PaymentKey {
  readonly connector: string;
  readonly reference: string;
}

/** A dispute as its provider tells it from others. */
export function numberOf({ connector, reference }: Pick<ToldDispute, 'connector' | 'reference'>): string {
  return `${connector} ${reference}`;
}

/** The last word on a movement. */
export interface LegVerdict {
  readonly command: string;
  readonly eventId: string;
  readonly reason: string | null;
}

/** All that a batch changes of disputes. `before`: as it was loaded; undefined where it is new. */
export interface DisputeChanges {
  readonly disputes: readonly {
    readonly before: Dispute | undefined;
    readonly after: Dispute;
    readonly disputedBy: bigint;
  }[];
  readonly legs: readonly Leg[];
  readonly verdicts: readonly LegVerdict[];
  readonly transitions: readonly DisputeTransition[];
  readonly evidence: readonly NoticeEvidence[];
  readonly attempts: readonly EvidenceAttempt[];
}

// What providers were asked to take of payment `p` and have not declined.
const TAKING = `payment_operations w
       join attempts a on (a.operation_id, a.tenant_id, a.livemode) = (w.id, w.tenant_id, w.livemode)
     where (w.payment_id, w.tenant_id, w.livemode) = (p.id, p.tenant_id, p.livemode) and a.action in ('sale', 'capture')
       and a.sent_at is not null and a.status not in ('declined', 'not_sent')`;

// Locks the payments, and then their disputes, each in the order of their ids: the second waits for the first to be all there. A
// dispute that was opened while this waited is not among them: only the reader of the payment's partition opens one, and its
// position keeps it alone; a second would meet the unique key.
export const DISPUTES: Part = {
  columns: [
    ...[
      'p_tenant_id',
      'p_livemode',
      'p_id',
      'p_source',
      'p_destination',
      'p_asset',
      'p_status',
      'p_taken_by',
      'p_amount',
      'p_captured',
      'p_asked_of',
      'p_asked',
    ],
    ...['now', 'elsewhere', 'verdicts'],
    ...DISPUTE_COLUMNS,
  ],
  width: 8,
  sql: (first) => `with asked as (
     select * from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::uuid[]) as a (tenant_id, livemode, payment_id)),
   told as (
     select * from unnest($${first + 3}::uuid[], $${first + 4}::boolean[], $${first + 5}::uuid[], $${first + 6}::text[], $${first + 7}::text[])
       as t (tenant_id, livemode, payment_id, connector, provider_reference)),
   payment as materialized (
     select tenant_id, livemode, id, status, source_account_id, destination_account_id, asset,
       connector as taken_by, amount_minor, amount_captured_minor
     from payments where (tenant_id, livemode, id) in (select * from asked)
     order by tenant_id, livemode, id for no key update),
   known as materialized (
     select d.* from disputes d join payment p on d.tenant_id = p.tenant_id and d.livemode = p.livemode and d.payment_id = p.id
     order by d.tenant_id, d.livemode, d.id for update of d)
   select p.tenant_id as p_tenant_id, p.livemode as p_livemode, p.id as p_id, p.source_account_id as p_source,
     p.destination_account_id as p_destination, p.asset as p_asset, p.status as p_status, p.taken_by as p_taken_by,
     p.amount_minor as p_amount, p.amount_captured_minor as p_captured,
     case when p.amount_captured_minor = 0 then array(select distinct a.connector from ${TAKING}) end as p_asked_of,
     (select coalesce(sum(a.amount_minor), 0)::bigint from ${TAKING} and w.status not in ('succeeded', 'failed')) as p_asked,
     clock_timestamp() as now,
     array(select concat_ws(' ', o.connector, o.provider_reference)
       from told t join disputes o using (tenant_id, livemode, connector, provider_reference)
       where t.tenant_id = p.tenant_id and t.livemode = p.livemode and t.payment_id = p.id and o.payment_id <> p.id) as elsewhere,
     array(select l.verdict_event_id from dispute_legs l where l.tenant_id = d.tenant_id and l.livemode = d.livemode
       and l.dispute_id = d.id and l.verdict_event_id is not null) as verdicts,
     ${DISPUTE_COLUMNS.map((name) => `d.${name}`).join(', ')}
   from payment p left join known d on d.tenant_id = p.tenant_id and d.livemode = p.livemode and d.payment_id = p.id`,
};
const LOAD = statement('disputes.load', DISPUTES.sql(1));

const KEY = ['tenant_id', 'livemode', 'id'];
const same = (a: string, b: string) => KEY.map((name) => `${a}.${name} = ${b}.${name}`).join(' and ');

// All that a batch changes in one statement: it is rare, and adds little to what the batch costs. Each set is an array in JSON.
const SAVE = statement(
  'disputes.save',
  `with given as materialized (
     select * from json_to_recordset($1::json) as n (${DISPUTE_RECORD}, before_version bigint, before_status text, disputed_by bigint)),
   changed as (
     update disputes d set ${DISPUTE_CHANGING.map((name) => `${name} = n.${name}`).join(', ')}, xact_id = pg_current_xact_id()
     from given n where ${same('d', 'n')} and d.version = n.before_version and d.status = n.before_status
     returning d.id),
   opened as (
     insert into disputes (${DISPUTE_COLUMNS.join(', ')})
     select ${DISPUTE_COLUMNS.join(', ')} from given where before_version is null
     order by tenant_id, livemode, id returning id),
   disputed as (
     update payments p set amount_disputed_minor = p.amount_disputed_minor + g.disputed_by
     from (select tenant_id, livemode, payment_id, sum(disputed_by)::bigint as disputed_by from given group by 1, 2, 3) as g
     where p.tenant_id = g.tenant_id and p.livemode = g.livemode and p.id = g.payment_id and g.disputed_by <> 0),
   asked as (
     insert into dispute_legs (tenant_id, livemode, transfer_id, dispute_id, direction, number, command_id)
     select * from json_to_recordset($2::json) as n (tenant_id uuid, livemode boolean, transfer_id uuid, dispute_id uuid, direction text,
       number integer, command_id uuid)),
   ended as (
     update dispute_legs l set status = case when n.reason is null then 'posted' else 'refused' end, reason = n.reason,
       verdict_event_id = n.verdict_event_id, updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from json_to_recordset($3::json) as n (command_id uuid, verdict_event_id uuid, reason text)
     where l.command_id = n.command_id and l.status = 'asked'),
   logged as (
     insert into dispute_transitions (tenant_id, livemode, dispute_id, version, from_status, to_status, from_leg, to_leg, actor, reason,
       cause_event_id, trace_id)
     select * from json_to_recordset($4::json) as n (tenant_id uuid, livemode boolean, dispute_id uuid, version bigint, from_status text,
       to_status text, from_leg text, to_leg text, actor text, reason text, cause_event_id uuid, trace_id text)),
   kept as (
     insert into provider_evidence (tenant_id, livemode, id, payment_id, attempt_id, connector, source, outcome, code, provider_reference,
       content, believed)
     select tenant_id, livemode, id, payment_id, attempt_id, connector, source, outcome, code, provider_reference, content, believed
     from json_to_recordset($5::json) as n (tenant_id uuid, livemode boolean, id uuid, payment_id uuid, attempt_id uuid, connector text,
       outcome text, code text, provider_reference text, content json, believed boolean, source text)
     on conflict do nothing returning id, tenant_id, livemode, attempt_id, connector),
   wished as (
     -- The wish is the dispute's, which says how it ended: among the payment's own it only has its place.
     insert into payment_operations (tenant_id, livemode, id, payment_id, kind, number, status, reason, command_id, actor, trace_id, created_at)
     select n.tenant_id, n.livemode, n.operation_id, n.payment_id, 'dispute',
       (select coalesce(max(o.number), 0) from payment_operations o
        where o.tenant_id = n.tenant_id and o.livemode = n.livemode and o.payment_id = n.payment_id)
         + row_number() over (partition by n.tenant_id, n.livemode, n.payment_id order by n.operation_id),
       'succeeded', 'submit_evidence', n.command_id, n.actor, n.trace_id, clock_timestamp()
     from json_to_recordset($6::json) as n (tenant_id uuid, livemode boolean, operation_id uuid, payment_id uuid, command_id uuid,
       actor text, trace_id text)),
   handed as (
     insert into attempts (tenant_id, livemode, id, payment_id, operation_id, action, asset, request, connector, correlation_id, traceparent)
     select * from json_to_recordset($6::json) as n (tenant_id uuid, livemode boolean, attempt_id uuid, payment_id uuid, operation_id uuid,
       action text, asset text, request json, connector text, correlation_id uuid, traceparent text))
   select (select count(*) from changed)::integer + (select count(*) from opened)::integer as saved,
     -- Where the word is about an attempt that its connector was asked for, with how that stands, and in which trace.
     (select json_agg(json_build_object('id', k.id, 'attempt', (
       select json_build_object('status', a.status, 'traceparent', a.traceparent) from attempts a
       where a.tenant_id = k.tenant_id and a.livemode = k.livemode and a.id = k.attempt_id
         and a.connector = k.connector))) from kept k) as kept`,
);

const OF_PAYMENTS = statement(
  'disputes.of-payments',
  `select tenant_id, livemode, id, payment_id from disputes
   where (tenant_id, livemode, payment_id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and status <> 'won'
   order by tenant_id, livemode, id`,
);

// Its own clock, so that what was looked at is not looked at again at once. A movement that the ledger refused is due later and
// later: each time twice as long, up to an hour.
const TAKE_UNSETTLED = statement(
  'disputes.take-unsettled',
  `update disputes set swept_at = clock_timestamp()
   where (tenant_id, livemode, id) in (
     select tenant_id, livemode, id from disputes
     where leg in ('taking', 'refused', 'returning', 'return_refused') and swept_at < clock_timestamp() - case
       when leg in ('taking', 'returning') then $1 else least($1 * power(2, least(leg_try, 20)), 3600000) end * interval '1 millisecond'
       and not exists (${parked('disputes.tenant_id', 'disputes.payment_id')})
     order by swept_at limit $2 for update skip locked)
   returning tenant_id, livemode, id, payment_id`,
);

// Whoever ends a payment has its disputes look at that; but what was ended by a release that did not know of it stays as it was. No
// index has these: it is read seldom, and a payment is looked up for each dispute whose money is with the provider.
const IN_VAIN = statement(
  'disputes.in-vain',
  `select d.tenant_id, d.livemode, d.id, d.payment_id
   from disputes d cross join lateral (
     select from payments p where p.tenant_id = d.tenant_id and p.livemode = d.livemode and p.id = d.payment_id
       and p.status in ('failed', 'canceled', 'expired') and p.updated_at < clock_timestamp() - $1 * interval '1 millisecond' limit 1) as ended
   where d.leg = 'taken' and not exists (${parked('d.tenant_id', 'd.payment_id')})
   limit $2`,
);

// Since the movement was asked for at first, and while it is asked for anew: every try changes the dispute, and none of them ends it.
const COUNT_REFUSED = statement(
  'disputes.count-refused',
  `select count(*)::integer as disputes, coalesce(extract(epoch from clock_timestamp() - min(l.asked_at)), 0)::float8 as seconds
   from disputes d join dispute_legs l on (l.tenant_id, l.livemode, l.dispute_id) = (d.tenant_id, d.livemode, d.id)
     and l.direction = case when d.leg in ('taking', 'refused') then 'out' else 'back' end and l.number = 1
   where d.leg in ('taking', 'refused', 'returning', 'return_refused') and (d.leg in ('refused', 'return_refused') or d.leg_try > 1)`,
);

export type DisputesRow = Row &
  DisputeRow & {
    p_tenant_id: string;
    p_livemode: boolean;
    p_id: string;
    p_source: string;
    p_destination: string;
    p_asset: string;
    p_status: PaymentStatus;
    p_taken_by: string | null;
    p_amount: bigint;
    p_captured: bigint;
    p_asked_of: string[] | null;
    p_asked: bigint;
    verdicts: string[];
    elsewhere: string[];
    now: Date;
  };

/** Locks payments and loads them with their disputes. Those that are not there are left out. */
export async function loadDisputes(
  tx: Transaction,
  keys: readonly PaymentKey[],
  told: readonly ToldDispute[],
): Promise<DisputablePayment[]> {
  return disputesFrom(await tx.rows<DisputesRow>(LOAD, disputesAsked(keys, told)));
}

/** The parameters of {@link DISPUTES}. */
export function disputesAsked(keys: readonly PaymentKey[], told: readonly ToldDispute[]): unknown[] {
  const named = [told.map(({ connector }) => connector), told.map(({ reference }) => reference)];
  return [...keyColumns(keys), ...keyColumns(told), ...named];
}

export function disputesFrom(rows: readonly DisputesRow[]): DisputablePayment[] {
  const byPayment = new Map<string, [DisputesRow, ...DisputesRow[]]>();
  for (const row of rows) {
    const key = `${row.p_tenant_id} ${row.p_livemode} ${row.p_id}`;
    const its = byPayment.get(key);
    if (its) its.push(row);
    else byPayment.set(key, [row]);
  }
  return [...byPayment.values()].map(toPayment);
}

function keyColumns(keys: readonly PaymentKey[]): [string[], boolean[], string[]] {
  return [
    keys.map(({ tenant }) => uuidOf('tenant', tenant)),
    keys.map(({ livemode }) => livemode),
    keys.map(({ id }) => uuidOf('payment', id)),
  ];
}

function toPayment(rows: readonly [DisputesRow, ...DisputesRow[]]): DisputablePayment {
  const [first] = rows;
  return {
    tenant: fromUuid('tenant', first.p_tenant_id),
    livemode: first.p_livemode,
    id: fromUuid('payment', first.p_id),
    source: fromUuid('account', first.p_source),
    destination: fromUuid('account', first.p_destination),
    asset: first.p_asset,
    status: first.p_status,
    amount: first.p_amount.toString(),
    captured: first.p_captured,
    beingCaptured: first.p_asked,
    takenBy: first.p_taken_by,
    askedOf: first.p_asked_of ?? [],
    verdicts: new Set(rows.flatMap(({ verdicts }) => verdicts.map((id) => fromUuid('event', id)))),
    elsewhere: new Set(first.elsewhere),
    // Of a payment without any, the outer join's row is empty.
    disputes: rows.filter(({ id }) => (id as string | null) !== null).map(toDispute),
    now: first.now.toISOString(),
  };
}

/** An attempt that a notice is about. */
export interface NoticedAttempt {
  readonly status: AttemptStatus;
  /** Of the wish that it was made for. */
  readonly traceparent: string | null;
}

/** By the events whose evidence was not there before: the attempt that it is about; null where it is about none of its connector's. */
export type KeptNotices = ReadonlyMap<string, NoticedAttempt | null>;

/** Writes what a batch has come to. */
export async function saveDisputes(tx: Transaction, changes: DisputeChanges): Promise<KeptNotices> {
  const [row] = await tx.rows<{ saved: number; kept: { id: string; attempt: NoticedAttempt | null }[] | null }>(SAVE, [
    JSON.stringify(
      changes.disputes.map(({ before, after, disputedBy }) => ({
        ...disputeRecord(after),
        before_version: before?.version ?? null,
        before_status: before?.status ?? null,
        disputed_by: disputedBy.toString(),
      })),
    ),
    JSON.stringify(changes.legs.map(legRecord)),
    JSON.stringify(
      changes.verdicts.map(({ command, eventId, reason }) => ({
        command_id: uuidOf('event', command),
        verdict_event_id: uuidOf('event', eventId),
        reason,
      })),
    ),
    JSON.stringify(changes.transitions.map(transitionRecord)),
    JSON.stringify(changes.evidence.map(evidenceRecord)),
    JSON.stringify(changes.attempts.map(attemptRecord)),
  ]);
  // Loaded under its lock and gone from there: nothing of ours does that.
  if (row?.saved !== changes.disputes.length) throw new RunAgain('a dispute changed under its lock');
  return new Map((row.kept ?? []).map(({ id, attempt }) => [fromUuid('event', id), attempt]));
}

interface NamedRow extends Row {
  tenant_id: string;
  livemode: boolean;
  id: string;
  payment_id: string;
}

/** A dispute by its id, and its payment. */
export type NamedDispute = PaymentKey & { readonly dispute: string };

/** The disputes of the payments, but for those that are won. */
export async function disputesOf(tx: Transaction, payments: readonly PaymentKey[]): Promise<NamedDispute[]> {
  if (payments.length === 0) return [];
  return (await tx.rows<NamedRow>(OF_PAYMENTS, keyColumns(payments))).map(toNamed);
}

/** Takes disputes whose money is not where it should be and that nobody has looked at for `wait_ms`, and notes that somebody does. */
export async function takeUnsettled(
  db: Database | Transaction,
  wait_ms: number,
  limit: number,
): Promise<NamedDispute[]> {
  return (await db.rows<NamedRow>(TAKE_UNSETTLED, [wait_ms, limit])).map(toNamed);
}

/** Disputes whose money was taken of payments that ended with nothing captured `wait_ms` ago, which nothing has given back. */
export async function disputesInVain(db: Database, wait_ms: number, limit: number): Promise<NamedDispute[]> {
  return (await db.rows<NamedRow>(IN_VAIN, [wait_ms, limit])).map(toNamed);
}

function toNamed(row: NamedRow): NamedDispute {
  return {
    tenant: fromUuid('tenant', row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('payment', row.payment_id),
    dispute: fromUuid('dispute', row.id),
  };
}

/** How many disputes wait for money that the ledger refused to move, and for how long, seconds. */
export async function countRefused(
  db: Database | Transaction,
): Promise<{ readonly disputes: number; readonly seconds: number }> {
  const [row] = await db.rows<{ disputes: number; seconds: number }>(COUNT_REFUSED);
  return row ?? { disputes: 0, seconds: 0 };
}
