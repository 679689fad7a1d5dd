import { fromUuid, OPERATION_KINDS, uuidOf, type OperationEnded, type OperationKind } from '@payflow/contracts';
import { statement, Unnested, type BulkColumn, type Database, type Transaction } from '@payflow/database';
import type { OperationView } from '../domain/operation.js';
import { aliased, keyOf, ownerColumns, tenantOf, tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';
import { compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';
import { rowsWithin, wholeOf, type RowWithin, type Within } from './rows-within.js';

/** How an operation ended, with the owner its event names. */
export interface EndedOperation extends Owner {
  readonly data: OperationEnded;
  /** For one that this database has never seen. */
  readonly traceId: string | null;
}

/** Which operations of one kind a list shows; instants are RFC 3339. */
export interface OperationFilter {
  readonly payment?: string;
  readonly status?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

const operationUuid = ({ kind, id }: Pick<OperationView, 'kind' | 'id'>): string => uuidOf(OPERATION_KINDS[kind], id);

const COLUMNS: readonly BulkColumn<OperationView>[] = [
  ['tenant_id', 'uuid', ({ tenant }) => tenantUuid(tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', operationUuid],
  ['payment_id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['kind', 'text', ({ kind }) => kind],
  ['status', 'text', ({ status }) => status],
  ['amount_minor', 'bigint', ({ amount }) => amount],
  ['asset', 'text', ({ asset }) => asset],
  ['failure_code', 'text', ({ failureCode }) => failureCode],
  ['reason', 'text', ({ reason }) => reason],
  ['metadata', 'json', ({ metadata }) => JSON.stringify(metadata)],
  ['trace_id', 'text', ({ traceId }) => traceId],
  ['version', 'bigint', ({ version }) => version],
  ['created_at', 'timestamptz', ({ createdAt }) => createdAt],
  ['updated_at', 'timestamptz', ({ updatedAt }) => updatedAt],
];
const OPERATIONS = new Unnested(COLUMNS);
// Whose history it is a part of, its payment tells: it is there before anything can be asked of it.
const WITH_ACCOUNTS = `${OPERATIONS.names}, source_account_id, destination_account_id`;
const OF_PAYMENT = `select n.*, p.source_account_id, p.destination_account_id from ${OPERATIONS.from()}
   left join payment_views p on p.tenant_id = n.tenant_id and p.livemode = n.livemode and p.id = n.payment_id
   order by n.tenant_id, n.livemode, n.id`;

const INSERT = statement(
  'payment-operation-views.insert',
  `insert into payment_operation_views (${WITH_ACCOUNTS}) ${OF_PAYMENT}
   on conflict do nothing returning tenant_id, livemode, id, kind`,
);

const REMOVE = statement(
  'payment-operation-views.remove',
  `delete from payment_operation_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

// Guarded by version: what ended once stays so, however often it is told.
const END = statement(
  'payment-operation-views.end',
  `insert into payment_operation_views as v (${WITH_ACCOUNTS}) ${OF_PAYMENT}
   on conflict (tenant_id, livemode, id) do update set status = excluded.status, amount_minor = excluded.amount_minor,
     failure_code = excluded.failure_code, version = excluded.version, updated_at = excluded.updated_at
   where v.version < excluded.version
   returning ${aliased('v', OPERATIONS.names)}`,
);

const FIND = statement(
  'payment-operation-views.find',
  `select ${OPERATIONS.names} from payment_operation_views where tenant_id = $1 and livemode = $2 and id = $3 and kind = $4`,
);

// A page of payments with the newest that was refunded and captured of each, in one read.
const FIND_OF_PAYMENTS = statement(
  'payment-operation-views.find-of-payments',
  rowsWithin(
    `select ${OPERATIONS.names} from payment_operation_views
     where tenant_id = $1 and livemode = $2 and payment_id = p.parent and kind = k.of`,
    'cross join unnest($4::text[]) as k (of)',
  ),
);

interface OperationRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  payment_id: string;
  kind: OperationKind;
  status: OperationView['status'];
  amount_minor: bigint | null;
  asset: string;
  failure_code: string | null;
  reason: string | null;
  metadata: Record<string, string>;
  trace_id: string | null;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

/** Inserts `pending` operations; returns the keys of those whose id was free. */
export async function insertOperationViews(tx: Transaction, views: readonly OperationView[]): Promise<string[]> {
  const inserted = [...OPERATIONS.batches(views)].map((values) => tx.rows<OperationRow>(INSERT, values));
  return (await Promise.all(inserted)).flat().map((row) => keyOf(keyOfRow(row)));
}

/** Takes back operations that were inserted in this transaction. */
export async function removeOperationViews(tx: Transaction, views: readonly OperationView[]): Promise<void> {
  if (views.length > 0) await tx.count(REMOVE, [...ownerColumns(views), views.map(operationUuid)]);
}

/** Brings the ends of operations into the views. Returns those that had not ended before, by {@link keyOf}. */
export async function endOperations(
  tx: Transaction,
  ended: readonly EndedOperation[],
): Promise<Map<string, OperationView>> {
  const unique = [...new Map(ended.map((one) => [keyOf({ ...one, id: one.data.id }), viewOf(one)])).values()];
  const rows = [...OPERATIONS.batches(unique)].map((values) => tx.rows<OperationRow>(END, values));
  return new Map((await Promise.all(rows)).flat().map((row) => [keyOf(keyOfRow(row)), toView(row)]));
}

export async function findOperation(
  db: Database,
  kind: OperationKind,
  { tenant, livemode, id }: ResourceKey,
): Promise<OperationView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<OperationRow>(FIND, [
    tenantUuid(tenant),
    livemode,
    uuidOf(OPERATION_KINDS[kind], id),
    kind,
  ]);
  return row && toView(row);
}

/** The newest operations of each of these kinds of one owner's payments, of as many payments as fit a page. */
export async function findOperationsOf(
  db: Database,
  { tenant, livemode }: Owner,
  payments: readonly string[],
  kinds: readonly OperationKind[],
): Promise<Within<OperationView>> {
  const uuids = payments.map((id) => uuidOf('payment', id));
  const values = [tenantUuid(tenant), livemode, uuids, kinds];
  const rows = await seenBy(db, { tenant }).rows<OperationRow & RowWithin>(FIND_OF_PAYMENTS, values);
  return { views: rows.map(toView), whole: wholeOf(payments, rows) };
}

const listsOf = (kind: OperationKind): ListStatements<OperationFilter> =>
  new ListStatements<OperationFilter>(
    'payment_operation_views',
    OPERATIONS.names,
    {
      payment: compare('p', 'payment_id', '=', (id) => uuidOf('payment', id)),
      status: compare('s', 'status'),
      ...CREATED_CONDITIONS,
    },
    [`kind = '${kind}'`],
    kind,
  );

/** What has lists of its own. */
export type ListedKind = 'capture' | 'refund';
export const OPERATION_LISTS: Readonly<Record<ListedKind, ListStatements<OperationFilter>>> = {
  capture: listsOf('capture'),
  refund: listsOf('refund'),
};

/** Up to `limit` operations of the owner that pass the filter, newest first, after the position. */
export async function listOperations(
  db: Database,
  kind: ListedKind,
  owner: Owner,
  page: Page<OperationFilter>,
): Promise<OperationView[]> {
  const uuid = (id: string): string => uuidOf(OPERATION_KINDS[kind], id);
  const rows = await seenBy(db, owner).rows<OperationRow>(...OPERATION_LISTS[kind].of(owner, page, uuid));
  return rows.map(toView);
}

/** The view of an operation as its end tells of it. */
export function viewOf({ tenant, livemode, traceId, data }: EndedOperation): OperationView {
  return {
    tenant,
    livemode,
    id: data.id,
    kind: data.kind,
    payment: data.payment.id,
    status: data.status,
    amount: data.amount,
    asset: data.payment.asset,
    failureCode: data.failure?.code ?? null,
    reason: data.reason,
    metadata: data.metadata,
    traceId,
    version: data.version,
    createdAt: data.created_at,
    updatedAt: data.updated_at,
  };
}

function keyOfRow(row: OperationRow): ResourceKey {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid(OPERATION_KINDS[row.kind], row.id),
  };
}

function toView(row: OperationRow): OperationView {
  return {
    ...keyOfRow(row),
    kind: row.kind,
    payment: fromUuid('payment', row.payment_id),
    status: row.status,
    amount: row.amount_minor === null ? null : row.amount_minor.toString(),
    asset: row.asset,
    failureCode: row.failure_code,
    reason: row.reason,
    metadata: row.metadata,
    traceId: row.trace_id,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
