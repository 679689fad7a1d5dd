import { fromUuid, uuidOf } from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { TransferView } from '../domain/transfer.js';
import { aliased, keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid } from './keys.js';
import { accountUuid, compare, CREATED_CONDITIONS, ListStatements, type Page } from './list-statement.js';

/** Which transfers a list shows; instants are RFC 3339, amounts minor units. */
export interface TransferFilter {
  readonly account?: string;
  readonly group?: string;
  readonly hold?: string;
  readonly status?: string;
  readonly asset?: string;
  readonly amountGte?: string;
  readonly amountLte?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

/** How much of a transfer has been moved back by now. */
export interface Reversed extends ResourceKey {
  readonly reversed: string;
}

/** Transfers that the ledger refused: one, or all of a group. */
export interface Refused extends ResourceKey {
  readonly code: string;
  readonly leg: number | null;
}

export const TRANSFER_COLUMNS = `tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset, group_id, position, hold_id,
  reverses_id, reversed_minor, effective_at, metadata, failure_code, failure_leg, trace_id, version, created_at, recorded_at`;

// A posted transfer never changes but for what is moved back of it, so there is no version to guard it by. What was asked
// for here keeps its own metadata, place and times; the others come as the event tells them.
const POST = statement(
  'transfer-views.post',
  `insert into transfer_views as v (${TRANSFER_COLUMNS})
   select tenant_id, livemode, id, 'posted', debit, credit, amount_minor, asset, group_id, position, hold_id, reverses_id, 0,
     effective_at, metadata, null, null, trace_id, 1, recorded_at, recorded_at
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::integer[],
     $10::uuid[], $11::uuid[], $12::timestamptz[], string_to_array($13, chr(30))::json[], $14::text[], $15::timestamptz[])
     as t (tenant_id, livemode, id, debit, credit, amount_minor, asset, group_id, position, hold_id, reverses_id, effective_at,
       metadata, trace_id, recorded_at)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set status = 'posted', amount_minor = excluded.amount_minor,
     effective_at = excluded.effective_at, recorded_at = excluded.recorded_at, failure_code = null, failure_leg = null,
     version = v.version + 1
   where v.status <> 'posted'
   returning ${aliased('v', TRANSFER_COLUMNS)}`,
);

const FAILED = `status = 'failed', failure_code = f.code, failure_leg = f.leg, version = v.version + 1`;
const REFUSED = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::integer[]) as f (tenant_id, livemode, id, code, leg)`;

const FAIL = statement(
  'transfer-views.fail',
  `update transfer_views v set ${FAILED} from ${REFUSED}
   where v.tenant_id = f.tenant_id and v.livemode = f.livemode and v.id = f.id and v.status = 'pending'
   returning ${aliased('v', TRANSFER_COLUMNS)}`,
);

const FAIL_OF_GROUPS = statement(
  'transfer-views.fail-of-groups',
  `update transfer_views v set ${FAILED} from ${REFUSED}
   where v.tenant_id = f.tenant_id and v.livemode = f.livemode and v.group_id = f.id and v.status = 'pending'
   returning ${aliased('v', TRANSFER_COLUMNS)}`,
);

// Not tried, so there is nothing to keep, and the id is free again.
const REMOVE_SKIPPED = statement(
  'transfer-views.remove-skipped',
  `delete from transfer_views v
   using unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[]) as s (tenant_id, livemode, id, group_id)
   where v.tenant_id = s.tenant_id and v.livemode = s.livemode and v.id = s.id and v.group_id = s.group_id and v.status = 'pending'`,
);

const REVERSE = statement(
  'transfer-views.reverse',
  `update transfer_views v set reversed_minor = r.reversed, version = v.version + 1
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[]) as r (tenant_id, livemode, id, reversed)
   where v.tenant_id = r.tenant_id and v.livemode = r.livemode and v.id = r.id and v.reversed_minor < r.reversed`,
);

const FIND = statement(
  'transfer-views.find',
  `select ${TRANSFER_COLUMNS} from transfer_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

/** A transfer as its table has it, for those who read it together with another. */
export interface TransferRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: TransferView['status'];
  debit_account_id: string;
  credit_account_id: string;
  amount_minor: bigint;
  asset: string;
  group_id: string | null;
  position: number | null;
  hold_id: string | null;
  reverses_id: string | null;
  reversed_minor: bigint;
  effective_at: Date | null;
  metadata: Record<string, string>;
  failure_code: string | null;
  failure_leg: number | null;
  trace_id: string | null;
  version: bigint;
  created_at: Date;
  recorded_at: Date | null;
}

/** Brings posted transfers into the views. Returns those that were not posted there before, by {@link keyOf}. */
export async function postTransfers(
  tx: Transaction,
  transfers: readonly TransferView[],
): Promise<Map<string, TransferView>> {
  if (transfers.length === 0) return new Map();
  const unique = [...new Map(transfers.map((view) => [keyOf(view), view])).values()];
  const rows = await tx.rows<TransferRow>(POST, [
    ...keyColumns('transfer', unique),
    unique.map((v) => uuidOf('account', v.debitAccount)),
    unique.map((v) => uuidOf('account', v.creditAccount)),
    unique.map((v) => v.amount),
    unique.map((v) => v.asset),
    unique.map((v) => v.group && uuidOf('group', v.group)),
    unique.map((v) => v.position),
    unique.map((v) => v.hold && uuidOf('hold', v.hold)),
    unique.map((v) => v.reverses && uuidOf('transfer', v.reverses)),
    unique.map((v) => v.effectiveAt),
    joinJson(unique.map((v) => JSON.stringify(v.metadata))),
    unique.map((v) => v.traceId),
    unique.map((v) => v.recordedAt),
  ]);
  return byKey(rows);
}

/** Marks pending transfers as refused. Returns their views by {@link keyOf}. */
export async function failTransfers(tx: Transaction, refused: readonly Refused[]): Promise<Map<string, TransferView>> {
  if (refused.length === 0) return new Map();
  return byKey(await tx.rows<TransferRow>(FAIL, [...keyColumns('transfer', refused), ...failureColumns(refused)]));
}

/** Marks the pending transfers of these groups as refused. Returns them, each group's in its order. */
export async function failTransfersOfGroups(tx: Transaction, refused: readonly Refused[]): Promise<TransferView[]> {
  if (refused.length === 0) return [];
  const rows = await tx.rows<TransferRow>(FAIL_OF_GROUPS, [
    ...keyColumns('group', refused),
    ...failureColumns(refused),
  ]);
  return rows.map(transferOfRow).sort((a, b) => (a.position ?? 0) - (b.position ?? 0));
}

/** Takes out transfers of groups that had stopped before they were tried. */
export async function removeSkipped(
  tx: Transaction,
  skipped: readonly (ResourceKey & { readonly group: string })[],
): Promise<void> {
  if (skipped.length === 0) return;
  const groups = skipped.map(({ group }) => uuidOf('group', group));
  await tx.count(REMOVE_SKIPPED, [...keyColumns('transfer', skipped), groups]);
}

/** Notes how much of these transfers has been moved back; it only ever grows. */
export async function noteReversals(tx: Transaction, reversals: readonly Reversed[]): Promise<void> {
  if (reversals.length === 0) return;
  const most = new Map<string, Reversed>();
  for (const one of reversals) {
    const known = most.get(keyOf(one));
    if (!known || BigInt(known.reversed) < BigInt(one.reversed)) most.set(keyOf(one), one);
  }
  const unique = [...most.values()];
  await tx.count(REVERSE, [...keyColumns('transfer', unique), unique.map(({ reversed }) => reversed)]);
}

export async function findTransfer(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<TransferView | undefined> {
  const [row] = await db.rows<TransferRow>(FIND, [tenantUuid(tenant), livemode, uuidOf('transfer', id)]);
  return row && transferOfRow(row);
}

const ANY_TAKEN = statement(
  'transfer-views.any-taken',
  `select exists (select from transfer_views where tenant_id = $1 and livemode = $2 and id = any ($3::uuid[]))
     or exists (select from transfer_group_views where tenant_id = $1 and livemode = $2 and id = $4::uuid) as taken`,
);

/** Whether any of the ids is in use here, by whatever became of it. */
export async function isAnyTaken(
  db: Database,
  { tenant, livemode }: Owner,
  { transfers, group }: { readonly transfers: readonly string[]; readonly group: string | null },
): Promise<boolean> {
  const uuids = transfers.map((id) => uuidOf('transfer', id));
  const values = [tenantUuid(tenant), livemode, uuids, group && uuidOf('group', group)];
  return (await db.rows<{ taken: boolean }>(ANY_TAKEN, values))[0]?.taken ?? false;
}

const LISTS = new ListStatements<TransferFilter>('transfer_views', TRANSFER_COLUMNS, {
  account: {
    letter: 'b',
    sql: [(parameter) => `debit_account_id = ${parameter}`, (parameter) => `credit_account_id = ${parameter}`],
    value: accountUuid,
  },
  group: compare('i', 'group_id', '=', (id) => uuidOf('group', id)),
  hold: compare('h', 'hold_id', '=', (id) => uuidOf('hold', id)),
  status: compare('s', 'status'),
  asset: compare('a', 'asset'),
  amountGte: compare('n', 'amount_minor', '>='),
  amountLte: compare('x', 'amount_minor', '<='),
  ...CREATED_CONDITIONS,
});

/** Up to `limit` transfers of the owner that pass the filter, newest first, after the position. */
export async function listTransfers(db: Database, owner: Owner, page: Page<TransferFilter>): Promise<TransferView[]> {
  const rows = await db.rows<TransferRow>(...LISTS.of(owner, page, (id) => uuidOf('transfer', id)));
  return rows.map(transferOfRow);
}

function failureColumns(refused: readonly Refused[]): unknown[] {
  return [refused.map(({ code }) => code), refused.map(({ leg }) => leg)];
}

function byKey(rows: readonly TransferRow[]): Map<string, TransferView> {
  return new Map(rows.map(transferOfRow).map((view) => [keyOf(view), view]));
}

export function transferOfRow(row: TransferRow): TransferView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('transfer', row.id),
    status: row.status,
    debitAccount: fromUuid('account', row.debit_account_id),
    creditAccount: fromUuid('account', row.credit_account_id),
    amount: row.amount_minor.toString(),
    asset: row.asset,
    group: row.group_id && fromUuid('group', row.group_id),
    position: row.position,
    hold: row.hold_id && fromUuid('hold', row.hold_id),
    reverses: row.reverses_id && fromUuid('transfer', row.reverses_id),
    reversed: row.reversed_minor.toString(),
    effectiveAt: row.effective_at && row.effective_at.toISOString(),
    metadata: row.metadata,
    failure: row.failure_code === null ? null : { code: row.failure_code, leg: row.failure_leg },
    traceId: row.trace_id,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    recordedAt: row.recorded_at && row.recorded_at.toISOString(),
  };
}
