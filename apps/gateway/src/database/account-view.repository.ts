import { fromUuid, uuidOf, type AccountOpened, type AccountSnapshot, type Overdraft } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { AccountView } from '../domain/account.js';
import { keyColumns, keyOf, type Owner, type ResourceKey, tenantOf, tenantUuid } from './keys.js';

/** An account at one version, with the owner its event names. */
export interface OwnedSnapshot extends Owner {
  readonly snapshot: AccountSnapshot;
}

export interface OwnedOpening extends Owner {
  readonly opened: AccountOpened;
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

const COLUMNS = `tenant_id, livemode, id, status, path, asset, overdraft, posted_debits_minor, posted_credits_minor,
  pending_debits_minor, pending_credits_minor, metadata, version, created_at, updated_at`;

// Most snapshots come twice, with the payment and with the transfer: the first condition keeps the second from locking
// the row for nothing. Sorted, because two consumers write these rows. A snapshot may come before the account's opening
// (another partition), and then makes the row that the opening completes.
const APPLY_SNAPSHOTS = statement(
  'account-views.apply-snapshots',
  `insert into account_views as v (${COLUMNS})
   select tenant_id, livemode, id, 'open', null, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits,
     '{}', version, clock_timestamp(), clock_timestamp()
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
     $10::bigint[]) as s (tenant_id, livemode, id, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits, version)
   where not exists (
     select from account_views k
     where k.tenant_id = s.tenant_id and k.livemode = s.livemode and k.id = s.id and k.version >= s.version)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set status = 'open', updated_at = excluded.updated_at,
     ${COUNTERS.map((column) => `${column} = excluded.${column}`).join(', ')}
   where v.version < excluded.version`,
);

const APPLY_OPENINGS = statement(
  'account-views.apply-openings',
  `insert into account_views as v (${COLUMNS})
   select tenant_id, livemode, id, 'open', path, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits,
     metadata, version, created_at, clock_timestamp()
   from unnest($1::uuid[], $2::boolean[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
     $10::bigint[], $11::text[], $12::json[], $13::timestamptz[])
     as o (tenant_id, livemode, id, asset, overdraft, posted_debits, posted_credits, pending_debits, pending_credits, version, path,
       metadata, created_at)
   order by tenant_id, livemode, id
   on conflict (tenant_id, livemode, id) do update set status = 'open', path = excluded.path, metadata = excluded.metadata,
     created_at = excluded.created_at, updated_at = excluded.updated_at,
     ${COUNTERS.map((column) => `${column} = case when v.version < excluded.version then excluded.${column} else v.${column} end`).join(', ')}
   returning ${COLUMNS.replaceAll(/(\w+)/g, 'v.$1')}`,
);

const REMOVE_REJECTED = statement(
  'account-views.remove-rejected',
  `delete from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and status = 'pending'`,
);

const FIND = statement(
  'account-views.find',
  `select ${COLUMNS} from account_views where tenant_id = $1 and livemode = $2 and id = $3`,
);

const FIND_FACTS = statement(
  'account-views.find-facts',
  `select tenant_id, livemode, id, asset from account_views
   where (tenant_id, livemode, id) in (select * from unnest($1::uuid[], $2::boolean[], $3::uuid[])) and status = 'open'`,
);

interface AccountRow {
  tenant_id: string;
  livemode: boolean;
  id: string;
  status: AccountView['status'];
  path: string | null;
  asset: string;
  overdraft: Overdraft;
  posted_debits_minor: bigint;
  posted_credits_minor: bigint;
  pending_debits_minor: bigint;
  pending_credits_minor: bigint;
  metadata: Record<string, string>;
  version: bigint;
  created_at: Date;
  updated_at: Date;
}

/** Brings accounts to the newest of the given states; older ones change nothing. */
export async function applySnapshots(tx: Transaction, snapshots: readonly OwnedSnapshot[]): Promise<void> {
  const newest = new Map<string, OwnedSnapshot>();
  for (const one of snapshots) {
    const key = keyOf({ ...one, id: one.snapshot.id });
    const known = newest.get(key);
    if (!known || known.snapshot.version < one.snapshot.version) newest.set(key, one);
  }
  if (newest.size > 0) await tx.count(APPLY_SNAPSHOTS, snapshotColumns([...newest.values()]));
}

/** Opens accounts, keeping the counters of any that are known at a later version. Returns their views by {@link keyOf}. */
export async function applyOpenings(
  tx: Transaction,
  openings: readonly OwnedOpening[],
): Promise<Map<string, AccountView>> {
  if (openings.length === 0) return new Map();
  const unique = [...new Map(openings.map((one) => [keyOf({ ...one, id: one.opened.id }), one])).values()];
  const rows = await tx.rows<AccountRow>(APPLY_OPENINGS, [
    ...snapshotColumns(unique.map(({ opened, ...owner }) => ({ ...owner, snapshot: opened }))),
    unique.map(({ opened }) => opened.path),
    unique.map(({ opened }) => JSON.stringify(opened.metadata)),
    unique.map(({ opened }) => opened.created_at),
  ]);
  return new Map(rows.map(toView).map((view) => [keyOf(view), view]));
}

/** Removes accounts that the ledger refused to open. */
export async function removeRejected(tx: Transaction, keys: readonly ResourceKey[]): Promise<void> {
  if (keys.length > 0) await tx.count(REMOVE_REJECTED, keyColumns('account', keys));
}

export async function findAccount(
  db: Database,
  { tenant, livemode, id }: ResourceKey,
): Promise<AccountView | undefined> {
  const [row] = await db.rows<AccountRow>(FIND, [tenantUuid(tenant), livemode, uuidOf('account', id)]);
  return row && toView(row);
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

function snapshotColumns(snapshots: readonly OwnedSnapshot[]): unknown[] {
  const states = snapshots.map(({ snapshot }) => snapshot);
  return [
    ...keyColumns(
      'account',
      snapshots.map(({ tenant, livemode, snapshot: { id } }) => ({ tenant, livemode, id })),
    ),
    states.map((s) => s.asset),
    states.map((s) => s.overdraft),
    states.map((s) => s.posted_debits),
    states.map((s) => s.posted_credits),
    states.map((s) => s.pending_debits),
    states.map((s) => s.pending_credits),
    states.map((s) => s.version),
  ];
}

function toView(row: AccountRow): AccountView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    id: fromUuid('account', row.id),
    status: row.status,
    path: row.path,
    asset: row.asset,
    overdraft: row.overdraft,
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
