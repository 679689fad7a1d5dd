import { fromUuid, uuidOf } from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { TransferGroupView } from '../domain/transfer.js';
import { aliased, keyColumns, keyOf, type ResourceKey, tenantOf, tenantUuid, seenBy } from './keys.js';
import { TRANSFER_SHOWN, transferOfRow, type Refused, type TransferRow } from './transfer-view.repository.js';
import { RATE_COLUMNS, rateOf, rateValues, type RateRow } from './rate-columns.js';

/** A group without its transfers. */
export type GroupHead = Omit<TransferGroupView, 'transfers'>;

/** What is read of a group itself. */
export const GROUP_COLUMNS = `tenant_id, livemode, id, status, effective_at, metadata, failure_code, failure_leg, trace_id, version, created_at,
  recorded_at, ${RATE_COLUMNS}`;

const POST = statement(
  'transfer-group-views.post',
  `insert into transfer_group_views as v (${GROUP_COLUMNS})
   select tenant_id, livemode, id, 'posted', effective_at, metadata, null, null, trace_id, 1, recorded_at, recorded_at,
     rate_numerator, rate_denominator
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::timestamptz[], string_to_array($5, chr(30))::json[], $6::text[],
     $7::timestamptz[], $8::bigint[], $9::bigint[])
     as g (tenant_id, livemode, id, effective_at, metadata, trace_id, recorded_at, rate_numerator, rate_denominator)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set status = 'posted', effective_at = excluded.effective_at,
     recorded_at = excluded.recorded_at, failure_code = null, failure_leg = null, version = v.version + 1
   where v.status <> 'posted'
   returning ${aliased('v', GROUP_COLUMNS)}`,
);

const FAIL = statement(
  'transfer-group-views.fail',
  `update transfer_group_views v set status = 'failed', failure_code = f.code, failure_leg = f.leg, version = v.version + 1
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::integer[]) as f (tenant_id, livemode, id, code, leg)
   where v.tenant_id = f.tenant_id and v.livemode = f.livemode and v.id = f.id and v.status = 'pending'
   returning ${aliased('v', GROUP_COLUMNS)}`,
);

// One statement, so that the group and its transfers are of one moment; the group is the row without a place among them.
const FIND = statement(
  'transfer-group-views.find',
  `select tenant_id, livemode, id, status, null::uuid as debit_account_id, null::uuid as credit_account_id,
     null::bigint as amount_minor, null::text as asset, null::uuid as group_id, null::integer as position,
     null::uuid as payment_id, null::uuid as hold_id, null::uuid as reverses_id, null::uuid as corrects_id, effective_at,
     metadata, failure_code, failure_leg, trace_id, version, created_at, recorded_at, ${RATE_COLUMNS}, null::text as type,
     null::bigint as metadata_version, null::bigint as reversed_minor, null::uuid as corrected_by_id
   from transfer_group_views where tenant_id = $1 and livemode = $2 and id = $3
   union all
   select ${TRANSFER_SHOWN} from transfer_views where tenant_id = $1 and livemode = $2 and group_id = $3
   order by position nulls first`,
);

export interface GroupRow extends RateRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: TransferGroupView['status'];
  effective_at: Date | null;
  metadata: Record<string, string>;
  failure_code: string | null;
  failure_leg: number | null;
  trace_id: string | null;
  version: bigint;
  created_at: Date;
  recorded_at: Date | null;
}

/** Brings posted groups into the views. Returns those that were not posted there before, by {@link keyOf}. */
export async function postGroups(tx: Transaction, groups: readonly GroupHead[]): Promise<Map<string, GroupHead>> {
  if (groups.length === 0) return new Map();
  const unique = [...new Map(groups.map((group) => [keyOf(group), group])).values()];
  const rows = await tx.rows<GroupRow>(POST, [
    ...keyColumns('group', unique),
    unique.map((g) => g.effectiveAt),
    joinJson(unique.map((g) => JSON.stringify(g.metadata))),
    unique.map((g) => g.traceId),
    unique.map((g) => g.recordedAt),
    ...rateValues(unique),
  ]);
  return byKey(rows);
}

/** Marks pending groups as refused. Returns them by {@link keyOf}. */
export async function failGroups(tx: Transaction, refused: readonly Refused[]): Promise<Map<string, GroupHead>> {
  if (refused.length === 0) return new Map();
  const rows = await tx.rows<GroupRow>(FAIL, [
    ...keyColumns('group', refused),
    refused.map(({ code }) => code),
    refused.map(({ leg }) => leg),
  ]);
  return byKey(rows);
}

export async function findTransferGroup(db: Database, key: ResourceKey): Promise<TransferGroupView | undefined> {
  const rows = await seenBy(db, key).rows<TransferRow>(FIND, [
    tenantUuid(key.tenant),
    key.livemode,
    uuidOf('group', key.id),
  ]);
  const [head, ...transfers] = rows;
  return head && { ...groupOfRow(head), transfers: transfers.map(transferOfRow) };
}

function byKey(rows: readonly GroupRow[]): Map<string, GroupHead> {
  return new Map(rows.map(groupOfRow).map((group) => [keyOf(group), group]));
}

/** A group without its transfers. */
export function groupOfRow(row: GroupRow): GroupHead {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('group', row.id),
    status: row.status,
    effectiveAt: row.effective_at && row.effective_at.toISOString(),
    rate: rateOf(row),
    metadata: row.metadata,
    failure: row.failure_code === null ? null : { code: row.failure_code, leg: row.failure_leg },
    traceId: row.trace_id,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    recordedAt: row.recorded_at && row.recorded_at.toISOString(),
  };
}
