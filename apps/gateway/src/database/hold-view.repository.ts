import { fromUuid, uuidOf, type HoldState } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { HoldView } from '../domain/hold.js';
import { aliased, keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid, seenBy } from './keys.js';
import { accountUuid, compare, ListStatements, type Page } from './list-statement.js';

/** Which holds a list shows. */
export interface HoldFilter {
  readonly account?: string;
  readonly status?: string;
  readonly type?: string;
}

/** A hold as the ledger left it, with the owner its event names. */
export interface OwnedHold extends Owner {
  readonly state: HoldState;
  /** The transfer of the posting that led to it. */
  readonly transfer: string | null;
  readonly traceId: string | null;
}

const COLUMNS = `tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, posted_minor, asset, expires_at,
  payment_id, transfer_id, failure_code, trace_id, version, created_at, updated_at, type`;
const CHANGING = ['status', 'posted_minor', 'failure_code', 'version', 'updated_at'];

// Guarded by version: a smaller one never overwrites a greater. The row is touched all the same, for what never changes of
// it is part of the answer.
const APPLY = statement(
  'hold-views.apply',
  `insert into hold_views as v (${COLUMNS})
   select tenant_id, livemode, id, status, debit, credit, amount_minor, posted_minor, asset, expires_at, payment_id, transfer_id, null,
     trace_id, version, recorded_at, recorded_at, type
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::bigint[], $8::bigint[], $9::text[],
     $10::timestamptz[], $11::uuid[], $12::uuid[], $13::text[], $14::bigint[], $15::timestamptz[], $16::text[])
     as h (tenant_id, livemode, id, status, debit, credit, amount_minor, posted_minor, asset, expires_at, payment_id, transfer_id,
       trace_id, version, recorded_at, type)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set
     transfer_id = case when v.version < excluded.version or v.transfer_id is null
       then coalesce(excluded.transfer_id, v.transfer_id) else v.transfer_id end,
     ${CHANGING.map((column) => `${column} = case when v.version < excluded.version then excluded.${column} else v.${column} end`).join(', ')}
   returning ${aliased('v', COLUMNS)}`,
);

const FAIL = statement(
  'hold-views.fail',
  `update hold_views v set status = 'failed', failure_code = f.code, version = v.version + 1, updated_at = clock_timestamp()
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[]) as f (tenant_id, livemode, id, code)
   where v.tenant_id = f.tenant_id and v.livemode = f.livemode and v.id = f.id and v.status = 'requested'
   returning ${aliased('v', COLUMNS)}`,
);

const FIND = statement(
  'hold-views.find',
  `select ${COLUMNS} from hold_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

const FIND_MANY = statement(
  'hold-views.find-many',
  `select ${COLUMNS} from hold_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

interface HoldRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: HoldView['status'];
  debit_account_id: string;
  credit_account_id: string;
  amount_minor: bigint;
  posted_minor: bigint;
  asset: string;
  expires_at: Date | null;
  payment_id: string | null;
  transfer_id: string | null;
  failure_code: string | null;
  trace_id: string | null;
  version: bigint;
  created_at: Date;
  updated_at: Date;
  type: string | null;
}

/** Brings holds to the newest of the given states; older ones change nothing. Returns all their views by {@link keyOf}. */
export async function applyHolds(tx: Transaction, holds: readonly OwnedHold[]): Promise<Map<string, HoldView>> {
  if (holds.length === 0) return new Map();
  const unique = newestOf(holds);
  const states = unique.map(({ state }) => state);
  const rows = await tx.rows<HoldRow>(APPLY, [
    ...keyColumns(
      'hold',
      unique.map(({ tenant, livemode, state: { id } }) => ({ tenant, livemode, id })),
    ),
    states.map((h) => h.status),
    states.map((h) => uuidOf('account', h.debit_account.id)),
    states.map((h) => uuidOf('account', h.credit_account.id)),
    states.map((h) => h.amount),
    states.map((h) => h.posted),
    states.map((h) => h.asset),
    states.map((h) => h.expires_at),
    states.map((h) => h.payment && uuidOf('payment', h.payment)),
    unique.map(({ transfer }) => transfer && uuidOf('transfer', transfer)),
    unique.map(({ traceId }) => traceId),
    states.map((h) => h.version),
    states.map((h) => h.recorded_at),
    states.map((h) => h.type?.name ?? null),
  ]);
  return byKey(rows);
}

/** The newest state of each hold. What ends a hold names no transfer; the one of its last posting stays. */
function newestOf(holds: readonly OwnedHold[]): OwnedHold[] {
  const newest = new Map<string, OwnedHold>();
  for (const one of [...holds].sort((a, b) => a.state.version - b.state.version)) {
    const key = keyOf({ ...one, id: one.state.id });
    newest.set(key, { ...one, transfer: one.transfer ?? newest.get(key)?.transfer ?? null });
  }
  return [...newest.values()];
}

/** Marks holds as refused that were never placed. Returns their views by {@link keyOf}. */
export async function failHolds(
  tx: Transaction,
  refused: readonly (ResourceKey & { readonly code: string })[],
): Promise<Map<string, HoldView>> {
  if (refused.length === 0) return new Map();
  return byKey(await tx.rows<HoldRow>(FAIL, [...keyColumns('hold', refused), refused.map(({ code }) => code)]));
}

export async function findHold(db: Database, { tenant, livemode, id }: ResourceKey): Promise<HoldView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<HoldRow>(FIND, [tenantUuid(tenant), livemode, uuidOf('hold', id)]);
  return row && toView(row);
}

/** The views of those holds that are there, by {@link keyOf}. */
export async function findHolds(tx: Transaction, keys: readonly ResourceKey[]): Promise<Map<string, HoldView>> {
  if (keys.length === 0) return new Map();
  return byKey(await tx.rows<HoldRow>(FIND_MANY, keyColumns('hold', keys)));
}

export const HOLD_LISTS = new ListStatements<HoldFilter>('hold_views', COLUMNS, {
  account: {
    letter: 'b',
    sql: [(parameter) => `debit_account_id = ${parameter}`, (parameter) => `credit_account_id = ${parameter}`],
    value: accountUuid,
  },
  status: compare('s', 'status'),
  type: compare('t', 'type'),
});

/** Up to `limit` holds of the owner that pass the filter, newest first, after the position. */
export async function listHolds(db: Database, owner: Owner, page: Page<HoldFilter>): Promise<HoldView[]> {
  const rows = await seenBy(db, owner).rows<HoldRow>(...HOLD_LISTS.of(owner, page, (id) => uuidOf('hold', id)));
  return rows.map(toView);
}

function byKey(rows: readonly HoldRow[]): Map<string, HoldView> {
  return new Map(rows.map(toView).map((view) => [keyOf(view), view]));
}

function toView(row: HoldRow): HoldView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('hold', row.id),
    status: row.status,
    debitAccount: fromUuid('account', row.debit_account_id),
    creditAccount: fromUuid('account', row.credit_account_id),
    amount: row.amount_minor.toString(),
    posted: row.posted_minor.toString(),
    asset: row.asset,
    expiresAt: row.expires_at && row.expires_at.toISOString(),
    type: row.type,
    payment: row.payment_id && fromUuid('payment', row.payment_id),
    transfer: row.transfer_id && fromUuid('transfer', row.transfer_id),
    failureCode: row.failure_code,
    traceId: row.trace_id,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
