import {
  fromUuid,
  uuidOf,
  type CaptureMode,
  type NextAction,
  type PaymentMethod,
  type PaymentSnapshot,
} from '@payflow/contracts';
import { joinJson, statement, type Database, type Statement, type Transaction } from '@payflow/database';
import type { DivisionView, PaymentView } from '../domain/payment.js';
import { aliased, keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid, seenBy } from './keys.js';
import { accountUuid, compare, CREATED_CONDITIONS, ListStatements, ofMetadata, type Page } from './list-statement.js';

/** A payment's state with the owner its event names. */
export interface ToldPayment extends Owner {
  readonly data: PaymentSnapshot;
  /** For a payment that this database has never seen: a read model can be built anew from the topic. */
  readonly traceId: string | null;
}

/** Which payments a list shows; instants are RFC 3339. */
export interface PaymentFilter {
  readonly status?: string;
  readonly source?: string;
  readonly destination?: string;
  readonly asset?: string;
  readonly reference?: string;
  readonly customer?: string;
  readonly capture?: string;
  /** An object as JSON: names and values that the metadata must have. */
  readonly metadata?: string;
  readonly amountGte?: string;
  readonly amountLte?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

const FACTS = `tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor, asset,
  source_account_id, destination_account_id, method, reference, metadata, failure_code, failure_reason, trace_id, created_at, updated_at`;
/** What only payments have that are not done at once. */
const RARE = `capture, amount_authorized_minor, next_action, authorized_until, customer_id, retry_of_id, division`;
const COLUMNS = `${FACTS}, ${RARE}`;

const CHANGES = `status = excluded.status, version = excluded.version,
     amount_captured_minor = excluded.amount_captured_minor, amount_refunded_minor = excluded.amount_refunded_minor,
     failure_code = excluded.failure_code, failure_reason = excluded.failure_reason, updated_at = excluded.updated_at`;

// Guarded by version: a smaller one never overwrites a greater. Sorted, so that two batches lock in one order. What such an event
// does not speak of is over: nothing has to be done any more, and no more is set aside than was captured.
const APPLY = statement(
  'payment-views.finish',
  `insert into payment_views as v (${FACTS})
   select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
     $9::text[], $10::uuid[], $11::uuid[], string_to_array($12, chr(30))::json[], $13::text[],
     string_to_array($14, chr(30))::json[], $15::text[], $16::text[], $17::text[], $18::timestamptz[],
     $19::timestamptz[]) as e (tenant_id, livemode, id)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set ${CHANGES},
     amount_authorized_minor = null, next_action = null, authorized_until = null
   where v.version < excluded.version
   returning ${aliased('v', COLUMNS)}`,
);

const APPLY_ALL = statement(
  'payment-views.apply',
  `insert into payment_views as v (${COLUMNS})
   select tenant_id, livemode, id, status, version, amount_minor, captured, refunded, asset, source, destination, method, reference,
     metadata, failure_code, failure_reason, trace_id, created_at, updated_at, coalesce(capture, 'automatic'), authorized, next_action::json,
     authorized_until, customer_id, retry_of_id, division::json
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
     $9::text[], $10::uuid[], $11::uuid[], string_to_array($12, chr(30))::json[], $13::text[],
     string_to_array($14, chr(30))::json[], $15::text[], $16::text[], $17::text[], $18::timestamptz[], $19::timestamptz[],
     $20::text[], $21::bigint[], $22::text[], $23::timestamptz[], $24::uuid[], $25::uuid[], $26::text[])
     as e (tenant_id, livemode, id, status, version, amount_minor, captured, refunded, asset, source, destination, method, reference,
       metadata, failure_code, failure_reason, trace_id, created_at, updated_at, capture, authorized, next_action, authorized_until, customer_id,
       retry_of_id, division)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set ${CHANGES},
     capture = case when excluded.capture = 'automatic' then v.capture else excluded.capture end,
     amount_authorized_minor = excluded.amount_authorized_minor, next_action = excluded.next_action,
     authorized_until = excluded.authorized_until
   where v.version < excluded.version
   returning ${aliased('v', COLUMNS)}`,
);

const FIND_MANY = statement(
  'payment-views.find-many',
  `select ${COLUMNS} from payment_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const FIND = statement(
  'payment-views.find',
  `select ${COLUMNS} from payment_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

// What moves an account's money to another at once is booked by one transfer of its own UUID; a dispute names its transfers.
const FIND_BY_TRANSFER = statement(
  'payment-views.find-by-transfer',
  `select ${COLUMNS} from payment_views where tenant_id = $1 and livemode = $2 and id = (
     select id from payment_views where tenant_id = $1 and livemode = $2 and id = $3 and status = 'succeeded'
     union all select payment_id from payment_operation_views
       where tenant_id = $1 and livemode = $2 and id = $3 and kind = 'refund' and status = 'succeeded'
     union all select payment_id from dispute_views where tenant_id = $1 and livemode = $2 and transfer_id = $3
     union all select payment_id from dispute_views where tenant_id = $1 and livemode = $2 and return_transfer_id = $3
     limit 1)`,
);

interface PaymentRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: PaymentView['status'];
  version: bigint;
  amount_minor: bigint;
  amount_captured_minor: bigint;
  amount_refunded_minor: bigint;
  asset: string;
  source_account_id: string;
  destination_account_id: string;
  method: PaymentMethod;
  reference: string | null;
  metadata: Record<string, string>;
  failure_code: string | null;
  failure_reason: string | null;
  trace_id: string | null;
  created_at: Date;
  updated_at: Date;
  capture: CaptureMode;
  amount_authorized_minor: bigint | null;
  next_action: NextAction | null;
  authorized_until: Date | null;
  customer_id: string | null;
  retry_of_id: string | null;
  division: DivisionView | null;
}

/** True where the plain columns say all there is: of a payment that is done at once. */
function isPlain(told: PaymentSnapshot): boolean {
  const { capture, amount_authorized, next_action, authorized_until, customer, retry_of, breakdown } = told;
  return !breakdown && !capture && !amount_authorized && !next_action && !authorized_until && !customer && !retry_of;
}

/** Applies states that are newer than the views, one of each payment. Returns the views that changed, by {@link keyOf}. */
export async function applyPayments(
  tx: Transaction,
  payments: readonly ToldPayment[],
): Promise<Map<string, PaymentView>> {
  if (payments.length === 0) return new Map();
  const data = payments.map((payment) => payment.data);
  const facts = [
    ...keyColumns(
      'payment',
      payments.map(({ tenant, livemode, data: { id } }) => ({ tenant, livemode, id })),
    ),
    data.map((p) => p.status),
    data.map((p) => p.version),
    data.map((p) => p.amount),
    data.map((p) => p.amount_captured),
    data.map((p) => p.amount_refunded),
    data.map((p) => p.asset),
    data.map((p) => uuidOf('account', p.source)),
    data.map((p) => uuidOf('account', p.destination)),
    joinJson(data.map((p) => JSON.stringify(p.method))),
    data.map((p) => p.reference),
    joinJson(data.map((p) => JSON.stringify(p.metadata))),
    data.map((p) => p.failure?.code ?? null),
    data.map((p) => p.failure?.reason ?? null),
    payments.map(({ traceId }) => traceId),
    data.map((p) => p.created_at),
    data.map((p) => p.updated_at),
  ];
  return byKey(
    data.every(isPlain)
      ? await tx.rows<PaymentRow>(APPLY, facts)
      : await tx.rows<PaymentRow>(APPLY_ALL, [...facts, ...rareColumns(data)]),
  );
}

function rareColumns(data: readonly PaymentSnapshot[]): unknown[] {
  return [
    data.map((p) => p.capture ?? null),
    data.map((p) => p.amount_authorized ?? null),
    data.map((p) => (p.next_action ? JSON.stringify(p.next_action) : null)),
    data.map((p) => p.authorized_until ?? null),
    data.map((p) => (p.customer ? uuidOf('customer', p.customer) : null)),
    data.map((p) => (p.retry_of ? uuidOf('payment', p.retry_of) : null)),
    data.map(({ breakdown, type }) => (breakdown ? JSON.stringify({ breakdown, type }) : null)),
  ];
}

/** The views of those payments that are there, by {@link keyOf}. */
export async function findPayments(
  db: Database | Transaction,
  keys: readonly ResourceKey[],
): Promise<Map<string, PaymentView>> {
  if (keys.length === 0) return new Map();
  return byKey(await db.rows<PaymentRow>(FIND_MANY, keyColumns('payment', keys)));
}

function byKey(rows: readonly PaymentRow[]): Map<string, PaymentView> {
  return new Map(rows.map(toView).map((view) => [keyOf(view), view]));
}

export function findPayment(db: Database, key: ResourceKey): Promise<PaymentView | undefined> {
  return findOne(db, FIND, key, uuidOf('payment', key.id));
}

/**
 * The payment that the transfer could be of which is no row of the views: one that went from account to account at once, a refund of
 * such a one, or what a dispute moved. Whether the ledger booked it, the ledger says.
 */
export function findPaymentOfTransfer(db: Database, transfer: ResourceKey): Promise<PaymentView | undefined> {
  return findOne(db, FIND_BY_TRANSFER, transfer, uuidOf('transfer', transfer.id));
}

async function findOne(
  db: Database,
  question: Statement,
  { tenant, livemode }: Owner,
  uuid: string,
): Promise<PaymentView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<PaymentRow>(question, [tenantUuid(tenant), livemode, uuid]);
  return row && toView(row);
}

export const PAYMENT_LISTS = new ListStatements<PaymentFilter>('payment_views', COLUMNS, {
  status: compare('s', 'status'),
  source: compare('o', 'source_account_id', '=', accountUuid),
  destination: compare('d', 'destination_account_id', '=', accountUuid),
  asset: compare('a', 'asset'),
  reference: compare('r', 'reference'),
  customer: compare('u', 'customer_id', '=', (id) => uuidOf('customer', id)),
  capture: compare('w', 'capture'),
  metadata: ofMetadata,
  amountGte: compare('n', 'amount_minor', '>='),
  amountLte: compare('x', 'amount_minor', '<='),
  ...CREATED_CONDITIONS,
});

/** Up to `limit` payments of the owner that pass the filter, newest first, after the position. */
export async function listPayments(db: Database, owner: Owner, page: Page<PaymentFilter>): Promise<PaymentView[]> {
  const rows = await PAYMENT_LISTS.rows<PaymentRow>(db, owner, page, (id) => uuidOf('payment', id));
  return rows.map(toView);
}

function toView(row: PaymentRow): PaymentView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('payment', row.id),
    status: row.status,
    version: Number(row.version),
    amount: row.amount_minor.toString(),
    amountAuthorized: row.amount_authorized_minor === null ? null : row.amount_authorized_minor.toString(),
    amountCaptured: row.amount_captured_minor.toString(),
    amountRefunded: row.amount_refunded_minor.toString(),
    asset: row.asset,
    source: fromUuid('account', row.source_account_id),
    destination: fromUuid('account', row.destination_account_id),
    method: row.method,
    capture: row.capture,
    nextAction: row.next_action,
    authorizedUntil: row.authorized_until && row.authorized_until.toISOString(),
    customer: row.customer_id && fromUuid('customer', row.customer_id),
    retryOf: row.retry_of_id && fromUuid('payment', row.retry_of_id),
    division: row.division,
    reference: row.reference,
    metadata: row.metadata,
    failureCode: row.failure_code,
    ...(row.failure_reason === null ? {} : { failureReason: row.failure_reason }),
    traceId: row.trace_id,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
