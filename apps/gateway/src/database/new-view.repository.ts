import { uuidOf } from '@payflow/contracts';
import { joinJson, statement, type Transaction } from '@payflow/database';
import type { Acceptable } from '../acceptance/acceptable.js';
import type { AccountView } from '../domain/account.js';
import type { HoldView } from '../domain/hold.js';
import { isOperationKind, type OperationView } from '../domain/operation.js';
import type { PaymentView } from '../domain/payment.js';
import type { TransferGroupView, TransferView } from '../domain/transfer.js';
import { insertOperationViews } from './operation-view.repository.js';
import { keyColumns, keyOf, rowKeyOf, type ResourceKey } from './keys.js';
import { rateValues } from './rate-columns.js';

const INSERT_PAYMENTS = statement(
  'payment-views.insert',
  `insert into payment_views (tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor,
     asset, source_account_id, destination_account_id, method, reference, metadata, trace_id, created_at, updated_at)
   select tenant_id, livemode, id, 'pending', 0, amount_minor, 0, 0, asset, source, destination, method, reference, metadata,
     trace_id, created_at, created_at
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[],
     string_to_array($8, chr(30))::json[], $9::text[], string_to_array($10, chr(30))::json[], $11::text[], $12::timestamptz[])
     as p (tenant_id, livemode, id, amount_minor, asset, source, destination, method, reference, metadata, trace_id, created_at)
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id`,
);

// Only payments that are not done at once need these: the others have what the columns say by themselves.
const INSERT_RARE_PAYMENTS = statement(
  'payment-views.insert-rare',
  `insert into payment_views (tenant_id, livemode, id, status, version, amount_minor, amount_captured_minor, amount_refunded_minor,
     asset, source_account_id, destination_account_id, method, reference, metadata, trace_id, created_at, updated_at, capture,
     customer_id, retry_of_id, division)
   select tenant_id, livemode, id, 'pending', 0, amount_minor, 0, 0, asset, source, destination, method, reference, metadata,
     trace_id, created_at, created_at, capture, customer_id, retry_of_id, division::json
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::bigint[], $5::text[], $6::uuid[], $7::uuid[],
     string_to_array($8, chr(30))::json[], $9::text[], string_to_array($10, chr(30))::json[], $11::text[], $12::timestamptz[],
     $13::text[], $14::uuid[], $15::uuid[], $16::text[])
     as p (tenant_id, livemode, id, amount_minor, asset, source, destination, method, reference, metadata, trace_id, created_at,
       capture, customer_id, retry_of_id, division)
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id`,
);

// Two unique keys can stand in the way, the id and the path; the caller finds out which.
const INSERT_ACCOUNTS = statement(
  'account-views.insert',
  `insert into account_views (tenant_id, livemode, id, status, path, asset, kind, overdraft, overdraft_limit_minor, metadata,
     version, created_at, updated_at)
   select tenant_id, livemode, id, 'pending', path, asset, kind, overdraft, overdraft_limit, metadata, 0, created_at, created_at
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::json[],
     $10::timestamptz[])
     as a (tenant_id, livemode, id, path, asset, kind, overdraft, overdraft_limit, metadata, created_at)
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id`,
);

const INSERT_GROUPS = statement(
  'transfer-group-views.insert',
  `insert into transfer_group_views (tenant_id, livemode, id, status, effective_at, metadata, trace_id, version, created_at,
     rate_numerator, rate_denominator)
   select tenant_id, livemode, id, 'pending', effective_at, metadata, trace_id, 0, created_at, rate_numerator, rate_denominator
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::timestamptz[], string_to_array($5, chr(30))::json[], $6::text[],
     $7::timestamptz[], $8::bigint[], $9::bigint[])
     as g (tenant_id, livemode, id, effective_at, metadata, trace_id, created_at, rate_numerator, rate_denominator)
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id`,
);

const INSERT_TRANSFERS = statement(
  'transfer-views.insert',
  `insert into transfer_views (tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset, group_id,
     position, hold_id, reverses_id, corrects_id, effective_at, metadata, trace_id, version, created_at, rate_numerator, rate_denominator,
     type)
   select tenant_id, livemode, id, 'pending', debit, credit, amount_minor, asset, group_id, position, hold_id, reverses_id,
     corrects_id, effective_at, metadata, trace_id, 0, created_at, rate_numerator, rate_denominator, type
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::uuid[], $9::integer[],
     $10::uuid[], $11::uuid[], $12::timestamptz[], string_to_array($13, chr(30))::json[], $14::text[], $15::timestamptz[],
     $16::bigint[], $17::bigint[], $18::text[], $19::uuid[])
     as t (tenant_id, livemode, id, debit, credit, amount_minor, asset, group_id, position, hold_id, reverses_id, effective_at,
       metadata, trace_id, created_at, rate_numerator, rate_denominator, type, corrects_id)
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id`,
);

const INSERT_HOLDS = statement(
  'hold-views.insert',
  `insert into hold_views (tenant_id, livemode, id, status, debit_account_id, credit_account_id, amount_minor, asset, expires_at,
     trace_id, version, created_at, updated_at, type)
   select tenant_id, livemode, id, 'requested', debit, credit, amount_minor, asset, expires_at, trace_id, 0, created_at, created_at, type
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::uuid[], $5::uuid[], $6::bigint[], $7::text[], $8::timestamptz[],
     $9::text[], $10::timestamptz[], $11::text[])
     as h (tenant_id, livemode, id, debit, credit, amount_minor, asset, expires_at, trace_id, created_at, type)
   order by tenant_id, livemode, id
   on conflict do nothing returning tenant_id, livemode, id`,
);

const REMOVE_GROUPS = statement(
  'transfer-group-views.remove',
  `delete from transfer_group_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const REMOVE_TRANSFERS = statement(
  'transfer-views.remove',
  `delete from transfer_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const ACCOUNT_IDS_TAKEN = statement(
  'account-views.ids-taken',
  `select tenant_id, livemode, id from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

interface KeyRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
}

/** The views that a write inserts, by {@link keyOf}: of a group, also its transfers'. */
export function viewKeysOf({ write }: Acceptable): string[] {
  switch (write.kind) {
    case 'group':
      return [keyOf(write.view), ...write.view.transfers.map(keyOf)];
    case 'change':
      return [];
    case 'payment':
    case 'account':
    case 'transfer':
    case 'hold':
    case 'confirmation':
    case 'increment':
    case 'capture':
    case 'cancellation':
    case 'refund':
      return [keyOf(write.view)];
    default:
      return write satisfies never;
  }
}

/** Inserts `pending` payments; returns the keys of those whose id was free. */
export async function insertPaymentViews(tx: Transaction, writes: readonly Acceptable[]): Promise<Set<string>> {
  const views = writes.flatMap(({ write }): PaymentView[] => (write.kind === 'payment' ? [write.view] : []));
  if (views.length === 0) return new Set();
  const facts = [
    ...keyColumns('payment', views),
    views.map((v) => v.amount),
    views.map((v) => v.asset),
    views.map((v) => uuidOf('account', v.source)),
    views.map((v) => uuidOf('account', v.destination)),
    joinJson(views.map((v) => JSON.stringify(v.method))),
    views.map((v) => v.reference),
    joinJson(views.map((v) => JSON.stringify(v.metadata))),
    views.map((v) => v.traceId),
    views.map((v) => v.createdAt),
  ];
  const rows = views.some(isRare)
    ? await tx.rows<KeyRow>(INSERT_RARE_PAYMENTS, [...facts, ...rareColumns(views)])
    : await tx.rows<KeyRow>(INSERT_PAYMENTS, facts);
  return new Set(rows.map((row) => rowKeyOf('payment', row)));
}

function isRare({ capture, customer, retryOf, division }: PaymentView): boolean {
  return capture !== 'automatic' || customer !== null || retryOf !== null || division !== null;
}

function rareColumns(views: readonly PaymentView[]): unknown[] {
  return [
    views.map((v) => v.capture),
    views.map((v) => v.customer && uuidOf('customer', v.customer)),
    views.map((v) => v.retryOf && uuidOf('payment', v.retryOf)),
    views.map((v) => v.division && JSON.stringify(v.division)),
  ];
}

/** Inserts the views of all other writes, a statement for each kind that is there; returns the keys of those inserted. */
export async function insertOtherViews(tx: Transaction, writes: readonly Acceptable[]): Promise<Set<string>> {
  const others = writes.filter(({ write: { kind } }) => kind !== 'payment');
  if (others.length === 0) return new Set();
  const groups = others.flatMap(({ write }): TransferGroupView[] => (write.kind === 'group' ? [write.view] : []));
  const transfers = others.flatMap(({ write }): TransferView[] => (write.kind === 'transfer' ? [write.view] : []));
  const inserted = await Promise.all([
    insertAccountViews(tx, accountsOf(others)),
    insertGroupViews(tx, groups),
    insertTransferViews(tx, [...transfers, ...groups.flatMap((group) => group.transfers)]),
    insertHoldViews(
      tx,
      others.flatMap(({ write }): HoldView[] => (write.kind === 'hold' ? [write.view] : [])),
    ),
    insertOperationViews(
      tx,
      others.flatMap(({ write }) => (isOperationKind(write.kind) ? [write.view as OperationView] : [])),
    ),
  ]);
  return new Set(inserted.flat());
}

/** Takes back transfers that were inserted in this transaction. */
export async function removeTransferViews(tx: Transaction, transfers: readonly ResourceKey[]): Promise<void> {
  if (transfers.length > 0) await tx.count(REMOVE_TRANSFERS, keyColumns('transfer', transfers));
}

/** Takes back what was inserted of groups of which something else could not be. */
export async function removeGroupViews(
  tx: Transaction,
  writes: readonly Acceptable[],
  inserted: ReadonlySet<string>,
): Promise<void> {
  const groups = writes.flatMap(({ write }) => (write.kind === 'group' ? [write.view] : []));
  const mine = (key: ResourceKey): boolean => inserted.has(keyOf(key));
  const transfers = groups.flatMap((group) => group.transfers).filter(mine);
  await removeTransferViews(tx, transfers);
  if (groups.some(mine)) await tx.count(REMOVE_GROUPS, keyColumns('group', groups.filter(mine)));
}

/** Those of the accounts whose id is in use; where an account could not be inserted and its id is not, its path is. */
export async function accountIdsTaken(tx: Transaction, writes: readonly Acceptable[]): Promise<Set<string>> {
  const views = accountsOf(writes);
  if (views.length === 0) return new Set();
  const rows = await tx.rows<KeyRow>(ACCOUNT_IDS_TAKEN, keyColumns('account', views));
  return new Set(rows.map((row) => rowKeyOf('account', row)));
}

function accountsOf(writes: readonly Acceptable[]): AccountView[] {
  return writes.flatMap(({ write }) => (write.kind === 'account' ? [write.view] : []));
}

async function insertAccountViews(tx: Transaction, views: readonly AccountView[]): Promise<string[]> {
  if (views.length === 0) return [];
  const rows = await tx.rows<KeyRow>(INSERT_ACCOUNTS, [
    ...keyColumns('account', views),
    views.map((v) => v.path),
    views.map((v) => v.asset),
    views.map((v) => v.kind),
    views.map((v) => v.overdraft),
    views.map((v) => v.overdraftLimit),
    views.map((v) => JSON.stringify(v.metadata)),
    views.map((v) => v.createdAt),
  ]);
  return rows.map((row) => rowKeyOf('account', row));
}

async function insertGroupViews(tx: Transaction, views: readonly TransferGroupView[]): Promise<string[]> {
  if (views.length === 0) return [];
  const rows = await tx.rows<KeyRow>(INSERT_GROUPS, [
    ...keyColumns('group', views),
    views.map((v) => v.effectiveAt),
    joinJson(views.map((v) => JSON.stringify(v.metadata))),
    views.map((v) => v.traceId),
    views.map((v) => v.createdAt),
    ...rateValues(views),
  ]);
  return rows.map((row) => rowKeyOf('group', row));
}

async function insertTransferViews(tx: Transaction, views: readonly TransferView[]): Promise<string[]> {
  if (views.length === 0) return [];
  const rows = await tx.rows<KeyRow>(INSERT_TRANSFERS, [
    ...keyColumns('transfer', views),
    views.map((v) => uuidOf('account', v.debitAccount)),
    views.map((v) => uuidOf('account', v.creditAccount)),
    views.map((v) => v.amount),
    views.map((v) => v.asset),
    views.map((v) => v.group && uuidOf('group', v.group)),
    views.map((v) => v.position),
    views.map((v) => v.hold && uuidOf('hold', v.hold)),
    views.map((v) => v.reverses && uuidOf('transfer', v.reverses)),
    views.map((v) => v.effectiveAt),
    joinJson(views.map((v) => JSON.stringify(v.metadata))),
    views.map((v) => v.traceId),
    views.map((v) => v.createdAt),
    ...rateValues(views),
    views.map((v) => v.type),
    views.map((v) => v.corrects && uuidOf('transfer', v.corrects)),
  ]);
  return rows.map((row) => rowKeyOf('transfer', row));
}

async function insertHoldViews(tx: Transaction, views: readonly HoldView[]): Promise<string[]> {
  if (views.length === 0) return [];
  const rows = await tx.rows<KeyRow>(INSERT_HOLDS, [
    ...keyColumns('hold', views),
    views.map((v) => uuidOf('account', v.debitAccount)),
    views.map((v) => uuidOf('account', v.creditAccount)),
    views.map((v) => v.amount),
    views.map((v) => v.asset),
    views.map((v) => v.expiresAt),
    views.map((v) => v.traceId),
    views.map((v) => v.createdAt),
    views.map((v) => v.type),
  ]);
  return rows.map((row) => rowKeyOf('hold', row));
}
