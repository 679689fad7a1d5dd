import { fromUuid, uuidOf } from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { TransferView } from '../domain/transfer.js';
import { aliased, keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid, seenBy } from './keys.js';
import {
  accountUuid,
  compare,
  CREATED_CONDITIONS,
  ListStatements,
  ofMetadata,
  type Condition,
  type Page,
} from './list-statement.js';
import { RATE_COLUMNS, rateOf, rateValues, type RateRow } from './rate-columns.js';

/** Which transfers a list shows; instants are RFC 3339, amounts minor units. */
export interface TransferFilter {
  readonly account?: string;
  readonly group?: string;
  readonly hold?: string;
  readonly payment?: string;
  readonly type?: string;
  readonly kind?: string;
  /** An object as JSON: names and values that the metadata must have. */
  readonly metadata?: string;
  readonly status?: string;
  readonly asset?: string;
  readonly amountGte?: string;
  readonly amountLte?: string;
  readonly createdGte?: string;
  readonly createdGt?: string;
  readonly createdLte?: string;
  readonly createdLt?: string;
}

/** Transfers that the ledger refused: one, or all of a group. */
export interface Refused extends ResourceKey {
  readonly code: string;
  readonly leg: number | null;
}

const COLUMNS = `tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset, group_id, position,
  payment_id, hold_id, reverses_id, corrects_id, effective_at, metadata, failure_code, failure_leg, trace_id, version, created_at, recorded_at,
  ${RATE_COLUMNS}, type`;

// What has been moved back of a transfer, its reversals tell. Were it noted on the transfer itself, it would be lost where a
// reversal comes first: they are keyed by different accounts, and keep no order.
const back = (what: string) => `(
  select ${what} from transfer_views r where r.tenant_id = transfer_views.tenant_id and r.livemode = transfer_views.livemode
    and r.reverses_id = transfer_views.id and r.status = 'posted')`;
const SINCE = `${back('coalesce(sum(r.amount_minor), 0)::bigint')} as reversed_minor, (
  select c.id from transfer_views c where c.tenant_id = transfer_views.tenant_id and c.livemode = transfer_views.livemode
    and c.corrects_id = transfer_views.id and c.status = 'posted') as corrected_by_id`;

/** All that is shown of a transfer. Its version counts its reversals, too. */
export const TRANSFER_SHOWN = `${COLUMNS.replace('version', `version + ${back('count(*)')} as version`)}, metadata_version, ${SINCE}`;

// A posted transfer never changes but for its metadata, so there is no version to guard it by. What was asked for here keeps its
// own metadata, place and times; the others come as the event tells them. Where its metadata came first, its place and type are missing.
const POST = statement(
  'transfer-views.post',
  `insert into transfer_views as v (${COLUMNS})
   select tenant_id, livemode, id, 'posted', debit, credit, amount_minor, asset, group_id, position, payment_id, hold_id,
     reverses_id, corrects_id, effective_at, metadata, null, null, trace_id, 1, recorded_at, recorded_at, rate_numerator, rate_denominator, type
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::integer[],
     $10::uuid[], $11::uuid[], $12::timestamptz[], string_to_array($13, chr(30))::json[], $14::text[], $15::timestamptz[],
     $16::bigint[], $17::bigint[], $18::text[], $19::uuid[], $20::uuid[])
     as t (tenant_id, livemode, id, debit, credit, amount_minor, asset, group_id, position, hold_id, reverses_id, effective_at,
       metadata, trace_id, recorded_at, rate_numerator, rate_denominator, type, payment_id, corrects_id)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set status = 'posted', amount_minor = excluded.amount_minor,
     payment_id = excluded.payment_id, effective_at = excluded.effective_at, recorded_at = excluded.recorded_at,
     failure_code = null, failure_leg = null, version = v.version + 1, group_id = coalesce(v.group_id, excluded.group_id),
     position = coalesce(v.position, excluded.position), type = coalesce(v.type, excluded.type)
   where v.status <> 'posted' or (v.group_id is null and excluded.group_id is not null) or (v.type is null and excluded.type is not null)
   returning ${aliased('v', COLUMNS)}`,
);

const FAILED = `status = 'failed', failure_code = f.code, failure_leg = f.leg, version = v.version + 1`;
const REFUSED = `unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::integer[]) as f (tenant_id, livemode, id, code, leg)`;

const FAIL = statement(
  'transfer-views.fail',
  `update transfer_views v set ${FAILED} from ${REFUSED}
   where v.tenant_id = f.tenant_id and v.livemode = f.livemode and v.id = f.id and v.status = 'pending'
   returning ${aliased('v', COLUMNS)}`,
);

const FAIL_OF_GROUPS = statement(
  'transfer-views.fail-of-groups',
  `update transfer_views v set ${FAILED} from ${REFUSED}
   where v.tenant_id = f.tenant_id and v.livemode = f.livemode and v.group_id = f.id and v.status = 'pending'
   returning ${aliased('v', COLUMNS)}`,
);

// Not tried, so there is nothing to keep, and the id is free again.
const REMOVE_SKIPPED = statement(
  'transfer-views.remove-skipped',
  `delete from transfer_views v
   using unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[]) as s (tenant_id, livemode, id, group_id)
   where v.tenant_id = s.tenant_id and v.livemode = s.livemode and v.id = s.id and v.group_id = s.group_id and v.status = 'pending'`,
);

const CHANGE_METADATA = statement(
  'transfer-views.change-metadata',
  `update transfer_views v set metadata = m.metadata, metadata_version = m.version, version = v.version + 1
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], string_to_array($4, chr(30))::json[], $5::bigint[])
     as m (tenant_id, livemode, id, metadata, version)
   where v.tenant_id = m.tenant_id and v.livemode = m.livemode and v.id = m.id and v.metadata_version < m.version`,
);

const FIND_MANY = statement(
  'transfer-views.find-many',
  `select ${TRANSFER_SHOWN} from transfer_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const FIND = statement(
  'transfer-views.find',
  `select ${TRANSFER_SHOWN} from transfer_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

/** A transfer as its table has it, for those who read it together with another. */
export interface TransferRow extends RateRow {
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
  payment_id: string | null;
  hold_id: string | null;
  reverses_id: string | null;
  corrects_id: string | null;
  /** Absent where a transfer has just been posted or refused: nothing has become of it. */
  metadata_version?: bigint;
  reversed_minor?: bigint;
  corrected_by_id?: string | null;
  effective_at: Date | null;
  metadata: Record<string, string>;
  failure_code: string | null;
  failure_leg: number | null;
  trace_id: string | null;
  version: bigint;
  created_at: Date;
  recorded_at: Date | null;
  type: string | null;
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
    ...rateValues(unique),
    unique.map((v) => v.type),
    unique.map((v) => v.payment && uuidOf('payment', v.payment)),
    unique.map((v) => v.corrects && uuidOf('transfer', v.corrects)),
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

/** Brings metadata into the views that is newer than theirs, and transfers that have not been heard of. */
export async function applyMetadata(tx: Transaction, transfers: readonly TransferView[]): Promise<void> {
  if (transfers.length === 0) return;
  const newest = new Map<string, TransferView>();
  for (const one of transfers) {
    const known = newest.get(keyOf(one));
    if (!known || known.metadataVersion < one.metadataVersion) newest.set(keyOf(one), one);
  }
  const unique = [...newest.values()];
  await postTransfers(tx, unique);
  await tx.count(CHANGE_METADATA, [
    ...keyColumns('transfer', unique),
    joinJson(unique.map(({ metadata }) => JSON.stringify(metadata))),
    unique.map(({ metadataVersion }) => metadataVersion),
  ]);
}

/** The views of those transfers that are there, by {@link keyOf}. */
export async function findTransfers(tx: Transaction, keys: readonly ResourceKey[]): Promise<Map<string, TransferView>> {
  if (keys.length === 0) return new Map();
  return byKey(await tx.rows<TransferRow>(FIND_MANY, keyColumns('transfer', keys)));
}

export async function findTransfer(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<TransferView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<TransferRow>(FIND, [
    tenantUuid(tenant),
    livemode,
    uuidOf('transfer', id),
  ]);
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
  return (await seenBy(db, { tenant }).rows<{ taken: boolean }>(ANY_TAKEN, values))[0]?.taken ?? false;
}

/** As `transferKind` says it of a view. */
export const TRANSFER_KIND = `case when hold_id is not null then 'hold_posting' when reverses_id is not null then 'reversal'
  when corrects_id is not null then 'correction' else 'plain' end`;

/** Plain ones are nearly all: they are found by time. The others have an index of their own, and are told that they are in it. */
const ofKind = (kind: string): Condition =>
  kind === 'plain'
    ? compare('p', `(${TRANSFER_KIND})`)
    : {
        letter: 'k',
        sql: [(parameter) => `(${TRANSFER_KIND}) = ${parameter} and (${TRANSFER_KIND}) <> 'plain'`],
        value: (text) => text,
      };

export const TRANSFER_LISTS = new ListStatements<TransferFilter>(
  'transfer_views',
  `${COLUMNS}, metadata_version, ${SINCE}`,
  {
    account: {
      letter: 'b',
      sql: [(parameter) => `debit_account_id = ${parameter}`, (parameter) => `credit_account_id = ${parameter}`],
      value: accountUuid,
    },
    group: compare('i', 'group_id', '=', (id) => uuidOf('group', id)),
    hold: compare('h', 'hold_id', '=', (id) => uuidOf('hold', id)),
    payment: compare('y', 'payment_id', '=', (id) => uuidOf('payment', id)),
    kind: ofKind,
    metadata: ofMetadata,
    type: compare('t', 'type'),
    status: compare('s', 'status'),
    asset: compare('a', 'asset'),
    amountGte: compare('n', 'amount_minor', '>='),
    amountLte: compare('x', 'amount_minor', '<='),
    ...CREATED_CONDITIONS,
  },
);

/** Up to `limit` transfers of the owner that pass the filter, newest first, after the position. */
export async function listTransfers(db: Database, owner: Owner, page: Page<TransferFilter>): Promise<TransferView[]> {
  const rows = await TRANSFER_LISTS.rows<TransferRow>(db, owner, page, (id) => uuidOf('transfer', id));
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
    payment: row.payment_id && fromUuid('payment', row.payment_id),
    hold: row.hold_id && fromUuid('hold', row.hold_id),
    reverses: row.reverses_id && fromUuid('transfer', row.reverses_id),
    reversed: (row.reversed_minor ?? 0n).toString(),
    corrects: row.corrects_id && fromUuid('transfer', row.corrects_id),
    correctedBy: row.corrected_by_id ? fromUuid('transfer', row.corrected_by_id) : null,
    effectiveAt: row.effective_at && row.effective_at.toISOString(),
    rate: rateOf(row),
    metadata: row.metadata,
    metadataVersion: Number(row.metadata_version ?? 1n),
    failure: row.failure_code === null ? null : { code: row.failure_code, leg: row.failure_leg },
    traceId: row.trace_id,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    recordedAt: row.recorded_at && row.recorded_at.toISOString(),
    type: row.type,
  };
}
