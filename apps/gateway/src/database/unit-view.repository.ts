import { statement, type Database, type Transaction } from '@payflow/database';
import type { UnitView } from '../domain/asset.js';
import { keyOf, ownerColumns, tenantOf, tenantUuid, type Owner, type ResourceKey, seenBy } from './keys.js';

const COLUMNS = 'tenant_id, livemode, code, scale, name, created_at';

// What a code stands for never changes: who hears of it again has nothing to add.
const APPLY = statement(
  'unit-views.apply',
  `insert into unit_views (${COLUMNS})
   select * from unnest($1::uuid[], $2::boolean[], $3::text[], $4::smallint[], $5::text[], $6::timestamptz[])
     as u (tenant_id, livemode, code)
   order by tenant_id, livemode, code
   on conflict do nothing`,
);

const FIND = statement(
  'unit-views.find',
  `select ${COLUMNS} from unit_views
   where (tenant_id, livemode, code) in (select * from unnest($1::uuid[], $2::boolean[], $3::text[]))`,
);

const LIST = statement(
  'unit-views.list',
  `select ${COLUMNS} from unit_views where tenant_id = $1 and livemode = $2 order by code`,
);

interface UnitRow {
  tenant_id: string;
  livemode: boolean;
  code: string;
  scale: number;
  name: string;
  created_at: Date;
}

/** Brings defined units into the views. */
export async function applyUnits(tx: Transaction, units: readonly UnitView[]): Promise<void> {
  if (units.length === 0) return;
  await tx.count(APPLY, [
    ...ownerColumns(units),
    units.map(({ code }) => code),
    units.map(({ scale }) => scale),
    units.map(({ name }) => name),
    units.map(({ createdAt }) => createdAt),
  ]);
}

/** Those of the units that are there, by {@link keyOf} owner and code. */
export async function findUnits(db: Database, keys: readonly ResourceKey[]): Promise<Map<string, UnitView>> {
  const rows = await db.rows<UnitRow>(FIND, [...ownerColumns(keys), keys.map(({ id }) => id)]);
  return new Map(rows.map(toView).map((view) => [keyOf({ ...view, id: view.code }), view]));
}

/** All units of the owner, by code. The ledger bounds their number. */
export async function listUnits(db: Database, { tenant, livemode }: Owner): Promise<UnitView[]> {
  return (await seenBy(db, { tenant }).rows<UnitRow>(LIST, [tenantUuid(tenant), livemode])).map(toView);
}

function toView(row: UnitRow): UnitView {
  return {
    tenant: tenantOf(row.tenant_id),
    livemode: row.livemode,
    code: row.code,
    scale: row.scale,
    name: row.name,
    createdAt: row.created_at.toISOString(),
  };
}
