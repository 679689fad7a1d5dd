import { fromUuid, uuidOf, type PaymentSnapshot, type PaymentMethod } from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { PaymentView } from '../domain/payment.js';
import { aliased, keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid } from './keys.js';
import { accountUuid, compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';

/** A payment's final state with the owner its event names. */
export interface FinalPayment extends Owner {
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
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

const COLUMNS = `tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor, asset,
  source_account_id, destination_account_id, method, reference, metadata, failure_code, failure_reason, trace_id, created_at, updated_at`;

// Guarded by version: a smaller one never overwrites a greater. Sorted, so that two batches lock in one order.
const FINISH = statement(
  'payment-views.finish',
  `insert into payment_views as v (${COLUMNS})
   select * from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[],
     $9::text[], $10::uuid[], $11::uuid[], string_to_array($12, chr(30))::json[], $13::text[],
     string_to_array($14, chr(30))::json[], $15::text[], $16::text[], $17::text[], $18::timestamptz[],
     $19::timestamptz[]) as e (tenant_id, livemode, id)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set status = excluded.status, version = excluded.version,
     amount_captured_minor = excluded.amount_captured_minor, amount_refunded_minor = excluded.amount_refunded_minor,
     failure_code = excluded.failure_code, failure_reason = excluded.failure_reason, updated_at = excluded.updated_at
   where v.version < excluded.version
   returning ${aliased('v', COLUMNS)}`,
);

const FIND = statement(
  'payment-views.find',
  `select ${COLUMNS} from payment_views where tenant_id = $1 and livemode = $2 and id = $3`,
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
}

/** Applies final states that are newer than the views. Returns the views that changed, by {@link keyOf}. */
export async function finishPayments(
  tx: Transaction,
  payments: readonly FinalPayment[],
): Promise<Map<string, PaymentView>> {
  const data = payments.map((payment) => payment.data);
  const rows = await tx.rows<PaymentRow>(FINISH, [
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
  ]);
  return new Map(rows.map(toView).map((view) => [keyOf(view), view]));
}

export async function findPayment(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<PaymentView | undefined> {
  const [row] = await db.rows<PaymentRow>(FIND, [tenantUuid(tenant), livemode, uuidOf('payment', id)]);
  return row && toView(row);
}

export const PAYMENT_LISTS = new ListStatements<PaymentFilter>('payment_views', COLUMNS, {
  status: compare('s', 'status'),
  source: compare('o', 'source_account_id', '=', accountUuid),
  destination: compare('d', 'destination_account_id', '=', accountUuid),
  asset: compare('a', 'asset'),
  reference: compare('r', 'reference'),
  ...CREATED_CONDITIONS,
});

/** Up to `limit` payments of the owner that pass the filter, newest first, after the position. */
export async function listPayments(db: Database, owner: Owner, page: Page<PaymentFilter>): Promise<PaymentView[]> {
  const rows = await db.rows<PaymentRow>(...PAYMENT_LISTS.of(owner, page, (id) => uuidOf('payment', id)));
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
    amountCaptured: row.amount_captured_minor.toString(),
    amountRefunded: row.amount_refunded_minor.toString(),
    asset: row.asset,
    source: fromUuid('account', row.source_account_id),
    destination: fromUuid('account', row.destination_account_id),
    method: row.method,
    reference: row.reference,
    metadata: row.metadata,
    failureCode: row.failure_code,
    ...(row.failure_reason === null ? {} : { failureReason: row.failure_reason }),
    traceId: row.trace_id,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
