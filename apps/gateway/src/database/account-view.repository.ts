import {
  fromUuid,
  uuidOf,
  type AccountCounters,
  type AccountKind,
  type AccountOpened,
  type Overdraft,
} from '@payflow/contracts';
import { joinJson, statement, type Database, type Transaction } from '@payflow/database';
import type { AccountView } from '../domain/account.js';
import { aliased, keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid, seenBy } from './keys.js';

/** An account's counters at one version, with the owner its event names. */
export interface OwnedCounters extends Owner {
  readonly asset: string;
  readonly counters: AccountCounters;
}

/** An account's full state as it was opened or changed, with the owner its event names. */
export interface OwnedAccount extends Owner {
  readonly account: AccountOpened;
}

/** What never changes of an open account. */
export interface AccountFacts {
  readonly asset: string;
}

const COUNTERS = [
  'posted_debits_minor',
  'posted_credits_minor',
  'pending_debits_minor',
  'pending_credits_minor',
  'version',
];
const TERMS = ['status', 'kind', 'overdraft', 'overdraft_limit_minor', 'metadata', 'terms_version'];

export const ACCOUNT_COLUMNS = `tenant_id, livemode, id, status, path, asset, kind, overdraft, overdraft_limit_minor, posted_debits_minor,
  posted_credits_minor, pending_debits_minor, pending_credits_minor, metadata, version, terms_version, created_at, updated_at`;

// Many come twice, with a payment or a group and with the account's next event, and lock a row for nothing: to look first whether
// they are known cost more than that, and found few. Sorted, because two consumers write these rows. Counters may come before the
// account's opening (another partition), and then make the row that the opening completes.
const APPLY_COUNTERS = statement(
  'account-views.apply-counters',
  `insert into account_views as v (${ACCOUNT_COLUMNS})
   select tenant_id, livemode, id, 'open', null, asset, 'liability', 'none', 0, posted_debits, posted_credits, pending_debits,
     pending_credits, '{}', version, 0, clock_timestamp(), clock_timestamp()
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])
     as s (tenant_id, livemode, id, asset, posted_debits, posted_credits, pending_debits, pending_credits, version)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set updated_at = excluded.updated_at,
     status = case when v.status = 'pending' then 'open' else v.status end,
     ${COUNTERS.map((column) => `${column} = excluded.${column}`).join(', ')}
   where v.version < excluded.version`,
);

// Counters and terms each by the version that brought them: a transfer moves the counters on without telling the terms.
const APPLY_ACCOUNTS = statement(
  'account-views.apply-accounts',
  `insert into account_views as v (${ACCOUNT_COLUMNS})
   select tenant_id, livemode, id, status, path, asset, kind, overdraft, overdraft_limit, posted_debits, posted_credits,
     pending_debits, pending_credits, metadata, version, version, created_at, clock_timestamp()
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
     $10::text[], $11::text[], $12::text[], $13::bigint[], $14::text[], string_to_array($15, chr(30))::json[], $16::timestamptz[])
     as o (tenant_id, livemode, id, asset, posted_debits, posted_credits, pending_debits, pending_credits, version, status, kind,
       overdraft, overdraft_limit, path, metadata, created_at)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set path = excluded.path, created_at = excluded.created_at,
     updated_at = excluded.updated_at, ${[...newer('terms_version', TERMS), ...newer('version', COUNTERS)].join(', ')}
   returning ${aliased('v', ACCOUNT_COLUMNS)}`,
);

function newer(version: string, columns: readonly string[]): string[] {
  return columns.map(
    (column) => `${column} = case when v.${version} < excluded.${version} then excluded.${column} else v.${column} end`,
  );
}

// Where two statements of one transaction write these rows, their order among all accounts is taken first.
const LOCK = statement(
  'account-views.lock',
  `select from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))
   order by tenant_id, livemode, id for update`,
);

const REMOVE_REJECTED = statement(
  'account-views.remove-rejected',
  `delete from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and status = 'pending'`,
);

const FIND = statement(
  'account-views.find',
  `select ${ACCOUNT_COLUMNS} from account_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

const FIND_MANY = statement(
  'account-views.find-many',
  `select ${ACCOUNT_COLUMNS} from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[]))`,
);

const FIND_FACTS = statement(
  'account-views.find-facts',
  `select tenant_id, livemode, id, asset from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and status <> 'pending'`,
);

/** An account as its table has it. */
export interface AccountRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: AccountView['status'];
  path: string | null;
  asset: string;
  kind: AccountKind;
  overdraft: Overdraft;
  overdraft_limit_minor: bigint;
  posted_debits_minor: bigint;
  posted_credits_minor: bigint;
  pending_debits_minor: bigint;
  pending_credits_minor: bigint;
  metadata: Record<string, string>;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

/** Brings accounts to the newest of the given counters; older ones change nothing. */
export async function applyCounters(tx: Transaction, all: readonly OwnedCounters[]): Promise<void> {
  const newest = new Map<string, OwnedCounters>();
  for (const one of all) {
    const key = keyOf({ ...one, id: one.counters.id });
    const known = newest.get(key);
    if (!known || known.counters.version < one.counters.version) newest.set(key, one);
  }
  if (newest.size > 0) await tx.count(APPLY_COUNTERS, counterColumns([...newest.values()]));
}

/**
 * Brings accounts to the newest of the given states: their terms and, unless those are known at a later version, their
 * counters. Returns their views by {@link keyOf}.
 */
export async function applyAccounts(tx: Transaction, all: readonly OwnedAccount[]): Promise<Map<string, AccountView>> {
  if (all.length === 0) return new Map();
  const newest = new Map<string, OwnedAccount>();
  for (const one of all) {
    const key = keyOf({ ...one, id: one.account.id });
    const known = newest.get(key);
    if (!known || known.account.version < one.account.version) newest.set(key, one);
  }
  const unique = [...newest.values()];
  const accounts = unique.map(({ account }) => account);
  const rows = await tx.rows<AccountRow>(APPLY_ACCOUNTS, [
    ...counterColumns(unique.map(({ account, ...owner }) => ({ ...owner, asset: account.asset, counters: account }))),
    accounts.map((a) => a.state),
    accounts.map((a) => a.kind),
    accounts.map((a) => a.overdraft),
    accounts.map((a) => a.overdraft_limit),
    accounts.map((a) => a.path),
    joinJson(accounts.map((a) => JSON.stringify(a.metadata))),
    accounts.map((a) => a.created_at),
  ]);
  return new Map(rows.map(accountOfRow).map((view) => [keyOf(view), view]));
}

/** Locks the accounts in the order in which every statement here locks them. */
export async function lockAccounts(tx: Transaction, keys: readonly ResourceKey[]): Promise<void> {
  await tx.count(LOCK, keyColumns('account', keys));
}

/** Removes accounts that the ledger refused to open. */
export async function removeRejected(tx: Transaction, keys: readonly ResourceKey[]): Promise<void> {
  if (keys.length > 0) await tx.count(REMOVE_REJECTED, keyColumns('account', keys));
}

export async function findAccount(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<AccountView | undefined> {
  const [row] = await seenBy(db, { tenant }).rows<AccountRow>(FIND, [
    tenantUuid(tenant),
    livemode,
    uuidOf('account', id),
  ]);
  return row && accountOfRow(row);
}

/** The views of those accounts that are there, by {@link keyOf}. */
export async function findAccounts(tx: Transaction, keys: readonly ResourceKey[]): Promise<Map<string, AccountView>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.rows<AccountRow>(FIND_MANY, keyColumns('account', keys));
  return new Map(rows.map(accountOfRow).map((view) => [keyOf(view), view]));
}

/** The facts of those accounts that are open, by {@link keyOf}. */
export async function findAccountFacts(db: Database, keys: readonly ResourceKey[]): Promise<Map<string, AccountFacts>> {
  const rows = await db.rows<Pick<AccountRow, 'tenant_id' | 'livemode' | 'id' | 'asset'>>(
    FIND_FACTS,
    keyColumns('account', keys),
  );
  return new Map(
    rows.map((row) => [
      keyOf({ tenant: tenantOf(row.tenant_id), livemode: row.livemode, id: fromUuid('account', row.id) }),
      { asset: row.asset },
    ]),
  );
}

function counterColumns(all: readonly OwnedCounters[]): unknown[] {
  const counters = all.map((one) => one.counters);
  return [
    ...keyColumns(
      'account',
      all.map(({ tenant, livemode, counters: { id } }) => ({ tenant, livemode, id })),
    ),
    all.map(({ asset }) => asset),
    counters.map((c) => c.posted_debits),
    counters.map((c) => c.posted_credits),
    counters.map((c) => c.pending_debits),
    counters.map((c) => c.pending_credits),
    counters.map((c) => c.version),
  ];
}

export function accountOfRow(row: AccountRow): AccountView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('account', row.id),
    status: row.status,
    path: row.path,
    asset: row.asset,
    kind: row.kind,
    overdraft: row.overdraft,
    overdraftLimit: row.overdraft_limit_minor,
    postedDebits: row.posted_debits_minor,
    postedCredits: row.posted_credits_minor,
    pendingDebits: row.pending_debits_minor,
    pendingCredits: row.pending_credits_minor,
    metadata: row.metadata,
    version: Number(row.version),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}
