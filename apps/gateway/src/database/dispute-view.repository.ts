import { fromUuid, uuidOf, type IdKind } from '@payflow/contracts';
import { statement, Unnested, type Database, type Transaction } from '@payflow/database';
import type { DisputeView } from '../domain/dispute.js';
import { keyOf, tenantOf, tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';
import { compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';

/** Which disputes a list shows; instants are RFC 3339. */
export interface DisputeFilter {
  readonly payment?: string;
  readonly status?: string;
  readonly asset?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

const uuid = (kind: IdKind, id: string | null): string | null => (id === null ? null : uuidOf(kind, id));

const VIEWS = new Unnested<DisputeView>([
  ['tenant_id', 'uuid', ({ tenant }) => tenantUuid(tenant)],
  ['livemode', 'boolean', ({ livemode }) => livemode],
  ['id', 'uuid', ({ id }) => uuidOf('dispute', id)],
  ['payment_id', 'uuid', ({ payment }) => uuidOf('payment', payment)],
  ['connector', 'text', ({ connector }) => connector],
  ['provider_reference', 'text', (view) => view.provider_reference],
  ['status', 'text', ({ status }) => status],
  ['leg', 'text', ({ leg }) => leg],
  ['leg_reason', 'text', (view) => view.leg_reason],
  ['amount_minor', 'bigint', ({ amount }) => amount],
  ['amount_disputed_minor', 'bigint', (view) => view.amount_disputed],
  ['asset', 'text', ({ asset }) => asset],
  ['reason', 'text', ({ reason }) => reason],
  ['source_account_id', 'uuid', ({ source }) => uuidOf('account', source)],
  ['destination_account_id', 'uuid', ({ destination }) => uuidOf('account', destination)],
  ['evidence_due_by', 'timestamptz', (view) => view.evidence_due_by],
  ['evidence_submitted_at', 'timestamptz', (view) => view.evidence_submitted_at],
  ['transfer_id', 'uuid', ({ transfer }) => uuid('transfer', transfer)],
  ['return_transfer_id', 'uuid', (view) => uuid('transfer', view.return_transfer)],
  ['trace_id', 'text', ({ traceId }) => traceId],
  ['version', 'bigint', ({ version }) => version],
  ['created_at', 'timestamptz', ({ createdAt }) => createdAt],
  ['updated_at', 'timestamptz', ({ updatedAt }) => updatedAt],
]);
const CHANGING = [
  ...[
    'status',
    'leg',
    'leg_reason',
    'amount_disputed_minor',
    'evidence_due_by',
    'evidence_submitted_at',
    'transfer_id',
    'return_transfer_id',
  ],
  ...['trace_id', 'version', 'updated_at'],
];

// Guarded by version: a smaller one never overwrites a greater.
const APPLY = statement(
  'dispute-views.apply',
  `insert into dispute_views as v (${VIEWS.names}) select * from ${VIEWS.from()} order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set ${CHANGING.map((column) => `${column} = excluded.${column}`).join(', ')}
     where v.version < excluded.version`,
);

const FIND = statement(
  'dispute-views.find',
  `select ${VIEWS.names} from dispute_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

const MONEY = statement(
  'dispute-views.money-of-payments',
  `select payment_id, array_remove(array[transfer_id, return_transfer_id], null) as transfers from dispute_views
   where tenant_id = $1 and livemode = $2 and payment_id = any ($3::uuid[])`,
);

interface DisputeRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  payment_id: string;
  connector: string;
  provider_reference: string;
  status: DisputeView['status'];
  leg: DisputeView['leg'];
  leg_reason: string | null;
  amount_minor: bigint;
  amount_disputed_minor: bigint;
  asset: string;
  reason: string | null;
  source_account_id: string;
  destination_account_id: string;
  evidence_due_by: Date | null;
  evidence_submitted_at: Date | null;
  transfer_id: string | null;
  return_transfer_id: string | null;
  trace_id: string | null;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

/** Brings disputes to the newest of the given states; older ones change nothing. */
export async function applyDisputes(tx: Transaction, views: readonly DisputeView[]): Promise<void> {
  const newest = new Map<string, DisputeView>();
  for (const view of views) {
    const known = newest.get(keyOf(view));
    if (!known || known.version < view.version) newest.set(keyOf(view), view);
  }
  await Promise.all([...VIEWS.batches([...newest.values()])].map((values) => tx.count(APPLY, values)));
}

export async function findDispute(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<DisputeView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<DisputeRow & Record<string, unknown>>(FIND, [
    tenantUuid(tenant),
    livemode,
    uuidOf('dispute', id),
  ]);
  return row && toView(row);
}

/** What the ledger booked of a dispute. */
export interface DisputedMoney {
  readonly payment: string;
  readonly transfers: readonly string[];
}

/** What was moved of an owner's payments by their disputes. */
export async function findDisputedMoney(
  db: Database,
  { tenant, livemode }: Owner,
  payments: readonly string[],
): Promise<DisputedMoney[]> {
  const uuids = payments.map((id) => uuidOf('payment', id));
  const rows = await seenBy(db, { tenant }).rows<{ payment_id: string; transfers: string[] }>(MONEY, [
    tenantUuid(tenant),
    livemode,
    uuids,
  ]);
  return rows.map(({ payment_id, transfers }) => ({
    payment: fromUuid('payment', payment_id),
    transfers: transfers.map((id) => fromUuid('transfer', id)),
  }));
}

export const DISPUTE_LISTS = new ListStatements<DisputeFilter>('dispute_views', VIEWS.names, {
  payment: compare('p', 'payment_id', '=', (id) => uuidOf('payment', id)),
  status: compare('s', 'status'),
  asset: compare('a', 'asset'),
  ...CREATED_CONDITIONS,
});

/** Up to `limit` disputes of the owner that pass the filter, newest first, after the position. */
export async function listDisputes(db: Database, owner: Owner, page: Page<DisputeFilter>): Promise<DisputeView[]> {
  const rows = await seenBy(db, owner).rows<DisputeRow & Record<string, unknown>>(
    ...DISPUTE_LISTS.of(owner, page, (id) => uuidOf('dispute', id)),
  );
  return rows.map(toView);
}

function toView(row: DisputeRow): DisputeView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('dispute', row.id),
    payment: fromUuid('payment', row.payment_id),
    connector: row.connector,
    provider_reference: row.provider_reference,
    status: row.status,
    leg: row.leg,
    leg_reason: row.leg_reason,
    amount: row.amount_minor.toString(),
    amount_disputed: row.amount_disputed_minor.toString(),
    asset: row.asset,
    reason: row.reason,
    source: fromUuid('account', row.source_account_id),
    destination: fromUuid('account', row.destination_account_id),
    evidence_due_by: row.evidence_due_by && row.evidence_due_by.toISOString(),
    evidence_submitted_at: row.evidence_submitted_at && row.evidence_submitted_at.toISOString(),
    transfer: row.transfer_id && fromUuid('transfer', row.transfer_id),
    return_transfer: row.return_transfer_id && fromUuid('transfer', row.return_transfer_id),
    traceId: row.trace_id,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
