import { fromUuid, uuidOf, type CaptureMode, type NextAction, type PaymentMethod } from '@payflow/contracts';
import {
  statement,
  Unnested,
  type BulkColumn,
  type Database,
  type Part,
  type Row,
  type Transaction,
} from '@payflow/database';
import type { Division } from '../domain/division.js';
import type { Payment } from '../domain/payment.js';
import { parked } from './parked.js';

/** The ledger's word on one payment. */
export interface VerdictOnPayment {
  readonly payment: string;
  readonly tenant: string;
  readonly livemode: boolean;
  /** The command it answers: a verdict on any other command does not move the payment. */
  readonly ledgerCommandId: string;
  readonly eventId: string;
  readonly status: 'succeeded' | 'failed';
  readonly failureCode: string | null;
  /** Beside the code, where a limit, a rule or a reviewer refused it. */
  readonly failureReason?: string | null;
  /** Who stands behind it, and the trace that shows it. */
  readonly actor: string;
  readonly traceId: string | null;
}

export interface PaymentKey {
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
}

export const COLUMNS = `tenant_id, livemode, id, status, version, amount_minor, asset, source_account_id, destination_account_id, method,
  reference, metadata, failure_code, ledger_command_id, created_at, expires_at, updated_at, capture, customer_id, retry_of_id,
  amount_authorized_minor, amount_captured_minor, amount_refunded_minor, amount_refunding_minor, amount_disputed_minor, next_action,
  authorized_until, operation_id, connector, provider_reference, division, failure_reason, admission`;

/** The columns of a {@link PaymentRow}, under an alias of the table. */
const paymentColumns = (alias: string): string => COLUMNS.replaceAll(/(\w+)/g, `${alias}.$1`);

/** A payment, and the message that it came with. */
type NewPayment = Payment & { readonly createCommandId: string };

const FACTS: readonly BulkColumn<NewPayment>[] = [
  ['tenant_id', 'uuid', ({ tenant }) => uuidOf('tenant', tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', ({ id }) => uuidOf('payment', id)],
  ['amount_minor', 'bigint', ({ amount }) => amount],
  ['asset', 'text', ({ asset }) => asset],
  ['source_account_id', 'uuid', ({ source }) => uuidOf('account', source)],
  ['destination_account_id', 'uuid', ({ destination }) => uuidOf('account', destination)],
  ['method', 'json', ({ method }) => JSON.stringify(method)],
  ['reference', 'text', ({ reference }) => reference],
  ['metadata', 'json', ({ metadata }) => JSON.stringify(metadata)],
  ['create_command_id', 'uuid', ({ createCommandId }) => uuidOf('event', createCommandId)],
  ['ledger_command_id', 'uuid', ({ ledgerCommandId }) => ledgerCommandId && uuidOf('event', ledgerCommandId)],
  ['created_at', 'timestamptz', ({ createdAt }) => createdAt],
  ['expires_at', 'timestamptz', ({ expiresAt }) => expiresAt],
];
const NEW = new Unnested(FACTS);
// What most payments do without is not sent for them.
const MORE = new Unnested<NewPayment>([
  ...FACTS,
  ['capture', 'text', ({ capture }) => capture],
  ['customer_id', 'uuid', ({ customer }) => customer && uuidOf('customer', customer)],
  ['retry_of_id', 'uuid', ({ retryOf }) => retryOf && uuidOf('payment', retryOf)],
  ['operation_id', 'uuid', ({ operation }) => operation],
  ['division', 'text', ({ division }) => division && JSON.stringify(division)],
]);

// Whether its organisation has limits or rules is looked up by the statement that is sent anyway, and so is never out of date.
const insertOf = (names: string, from: string): string =>
  `insert into payments (status, version, admission, ${names})
   select 'processing', 0, case when exists (
     select from payment_policies p where p.tenant_id = n.tenant_id and p.livemode = n.livemode and p.active) then 'judged' end,
     ${names.replace('division', 'division::json')}
   from ${from}
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id, admission`;

const INSERT = statement('payments.insert', insertOf(NEW.names, NEW.from()));

const INSERT_MORE = statement('payments.insert-more', insertOf(MORE.names, MORE.from()));

export const CREATORS: Part = {
  columns: ['create_command_id'],
  width: 3,
  sql: (first) =>
    `select create_command_id from payments
   where (tenant_id, livemode, id) in (select * from unnest($${first}::uuid[], $${first + 1}::boolean[], $${first + 2}::uuid[]))`,
};
const CREATED_BY = statement('payments.created-by', CREATORS.sql(1));

const DECIDED_BY = statement(
  'payments.decided-by',
  `select verdict_event_id from payments
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and verdict_event_id is not null`,
);

// Conditional on state and command: a final payment, or one that waits for another command's verdict, stays as it is.
// The transition is logged by the same statement: the way of most payments must not get longer by one.
const FINISH = statement(
  'payments.finish',
  `with v as (
     select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
       as v (tenant_id, livemode, id, ledger_command_id, event_id, status, failure_code, failure_reason, actor, trace_id)),
   finished as (
     update payments p set status = v.status, failure_code = v.failure_code, failure_reason = v.failure_reason,
       verdict_event_id = v.event_id, version = p.version + 1,
       amount_authorized_minor = case v.status when 'succeeded' then p.amount_minor else 0 end,
       amount_captured_minor = case v.status when 'succeeded' then p.amount_minor else 0 end,
       updated_at = clock_timestamp(), xact_id = pg_current_xact_id()
     from v
     where p.tenant_id = v.tenant_id and p.livemode = v.livemode and p.id = v.id
       and p.status = 'processing' and p.ledger_command_id = v.ledger_command_id
     returning ${paymentColumns('p')}, v.actor, v.trace_id, v.event_id),
   logged as (
     insert into payment_transitions (tenant_id, livemode, payment_id, version, from_status, to_status, actor, reason, cause_event_id, trace_id)
     select tenant_id, livemode, id, version, 'processing', status, actor, coalesce(failure_code, 'captured'), event_id, trace_id
     from finished)
   select ${COLUMNS} from finished`,
);

// What is parked has its turn when its operator has seen to it: whatever is sent before that lies behind it, and fills the partition.
const OVERDUE = statement(
  'payments.overdue',
  `update payments set updated_at = clock_timestamp()
   where (tenant_id, livemode, id) in (
     select tenant_id, livemode, id from payments
     where status = 'processing' and ledger_command_id is not null and admission is distinct from 'in_review'
       and updated_at < clock_timestamp() - $1 * interval '1 millisecond'
       and not exists (${parked('payments.tenant_id', 'payments.id')})
     order by updated_at limit $2 for update skip locked)
   returning tenant_id, livemode, id`,
);

export interface PaymentRow extends Row {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: Payment['status'];
  version: bigint;
  amount_minor: bigint;
  asset: string;
  source_account_id: string;
  destination_account_id: string;
  method: PaymentMethod;
  reference: string | null;
  metadata: Record<string, string>;
  division: Division | null;
  failure_code: string | null;
  ledger_command_id: string | null;
  created_at: Date;
  expires_at: Date;
  updated_at: Date;
  capture: CaptureMode;
  customer_id: string | null;
  retry_of_id: string | null;
  amount_authorized_minor: bigint;
  amount_captured_minor: bigint;
  amount_refunded_minor: bigint;
  amount_refunding_minor: bigint;
  amount_disputed_minor: bigint;
  next_action: NextAction | null;
  authorized_until: Date | null;
  operation_id: string | null;
  connector: string | null;
  provider_reference: string | null;
  failure_reason: string | null;
  admission: Payment['admission'];
}

export type KeyRow = Pick<PaymentRow, 'tenant_id' | 'livemode' | 'id'>;

export interface CreatorRow extends Row {
  create_command_id: string;
}

type InsertedRow = KeyRow & Pick<PaymentRow, 'admission'>;

/** Inserts new payments and returns the keys of those that were not there before, each with whether it is to be judged first. */
export async function insertPayments(
  tx: Transaction,
  payments: readonly NewPayment[],
): Promise<Map<string, Payment['admission']>> {
  // One statement for all: those that need more columns take the others along.
  const [columns, insert] = payments.every(isPlain) ? [NEW, INSERT] : [MORE, INSERT_MORE];
  const inserted = [...columns.batches(payments)].map((values) => tx.rows<InsertedRow>(insert, values));
  return new Map((await Promise.all(inserted)).flat().map((row) => [keyOf(toKey(row)), row.admission]));
}

/** Most are: booked by one transfer, and nothing else is known of them. */
function isPlain({ ledgerCommandId, customer, retryOf, division }: NewPayment): boolean {
  return ledgerCommandId !== null && customer === null && retryOf === null && division === null;
}

/** Ids of the messages that created the payments of these keys. */
export async function createdBy(tx: Transaction, keys: readonly PaymentKey[]): Promise<Set<string>> {
  return creatorsFrom(await tx.rows<CreatorRow>(CREATED_BY, keyColumns(keys)));
}

export function creatorsFrom(rows: readonly CreatorRow[]): Set<string> {
  return new Set(rows.map((row) => fromUuid('event', row.create_command_id)));
}

/** Ids of the messages that ended the payments of these keys. */
export async function decidedBy(tx: Transaction, keys: readonly PaymentKey[]): Promise<Set<string>> {
  const rows = await tx.rows<{ verdict_event_id: string }>(DECIDED_BY, keyColumns(keys));
  return new Set(rows.map((row) => fromUuid('event', row.verdict_event_id)));
}

/** Moves waiting payments to their final state, each only by the verdict on its own command. Returns those that moved. */
export async function finishPayments(tx: Transaction, given: readonly VerdictOnPayment[]): Promise<Payment[]> {
  // The server updates them one after the other as they are given: in the order in which all lock payments.
  const verdicts = inKeyOrder(given, ({ payment: id, tenant, livemode }) => ({ id, tenant, livemode }));
  const rows = await tx.rows<PaymentRow>(FINISH, [
    ...keyColumns(verdicts.map(({ payment: id, tenant, livemode }) => ({ id, tenant, livemode }))),
    verdicts.map((v) => uuidOf('event', v.ledgerCommandId)),
    verdicts.map((v) => uuidOf('event', v.eventId)),
    verdicts.map((v) => v.status),
    verdicts.map((v) => v.failureCode),
    verdicts.map((v) => v.failureReason ?? null),
    verdicts.map((v) => v.actor),
    verdicts.map((v) => v.traceId),
  ]);
  return rows.map(toPayment);
}

/** Takes payments that have waited longer than `wait_ms`, oldest first, and starts their wait anew. */
export async function takeOverdue(db: Database | Transaction, wait_ms: number, limit: number): Promise<PaymentKey[]> {
  return (await db.rows<KeyRow>(OVERDUE, [wait_ms, limit])).map(toKey);
}

export function keyOf({ tenant, livemode, id }: PaymentKey): string {
  return `${tenant}/${livemode ? 'live' : 'test'}/${id}`;
}

/** As the database sorts the keys: the texts of ids sort as their bytes do. */
function inKeyOrder<T>(all: readonly T[], of: (one: T) => PaymentKey): readonly T[] {
  const sortable = ({ tenant, livemode, id }: PaymentKey) => `${tenant}/${livemode ? 1 : 0}/${id}`;
  const keyed = all.map((one) => [sortable(of(one)), one] as const);
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

export function keyColumns(keys: readonly PaymentKey[]): unknown[] {
  return [
    keys.map((k) => uuidOf('tenant', k.tenant)),
    keys.map((k) => k.livemode),
    keys.map((k) => uuidOf('payment', k.id)),
  ];
}

export function toKey(row: KeyRow): PaymentKey {
  return { tenant: fromUuid('tenant', row.tenant_id), livemode: row.livemode, id: fromUuid('payment', row.id) };
}

export function toPayment(row: PaymentRow): Payment {
  return {
    ...toKey(row),
    status: row.status,
    version: Number(row.version),
    amount: row.amount_minor.toString(),
    asset: row.asset,
    source: fromUuid('account', row.source_account_id),
    destination: fromUuid('account', row.destination_account_id),
    method: row.method,
    reference: row.reference,
    metadata: row.metadata,
    division: row.division,
    failureCode: row.failure_code,
    ledgerCommandId: row.ledger_command_id && fromUuid('event', row.ledger_command_id),
    createdAt: row.created_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
    capture: row.capture,
    customer: row.customer_id && fromUuid('customer', row.customer_id),
    retryOf: row.retry_of_id && fromUuid('payment', row.retry_of_id),
    authorized: row.amount_authorized_minor,
    captured: row.amount_captured_minor,
    refunded: row.amount_refunded_minor,
    refunding: row.amount_refunding_minor,
    disputed: row.amount_disputed_minor,
    nextAction: row.next_action,
    authorizedUntil: row.authorized_until?.toISOString() ?? null,
    operation: row.operation_id,
    connector: row.connector,
    providerReference: row.provider_reference,
    failureReason: row.failure_reason,
    admission: row.admission,
  };
}
