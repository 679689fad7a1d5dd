import { fromUuid, uuidOf, type IdKind } from '@payflow/contracts';
import type { Database } from '@payflow/database';

/** The head of every key: whose it is, and whether of real or of test money. */
export interface Owner {
  readonly tenant: string;
  readonly livemode: boolean;
}

/** A resource by its owner and its public id. */
export interface ResourceKey extends Owner {
  readonly id: string;
}

/** A batch names the same few tenants again and again. Emptied when full: it is only a shortcut. */
const TENANTS_MAX = 10_000;
const tenantUuids = new Map<string, string>();
const tenantIds = new Map<string, string>();

/** The UUID of a tenant. */
export function tenantUuid(tenant: string): string {
  return remembered(tenantUuids, tenant, () => uuidOf('tenant', tenant));
}

/**
 * The database as the owner may see it: behind the wall of row-level security, which holds where a statement forgets whose rows it
 * asks for. For every read that a request makes on its own.
 */
export function seenBy(db: Database, { tenant }: Pick<Owner, 'tenant'>): Database {
  return db.as(tenantUuid(tenant));
}

/** The public id of a tenant's UUID. */
export function tenantOf(uuid: string): string {
  return remembered(tenantIds, uuid, () => fromUuid('tenant', uuid));
}

function remembered(known: Map<string, string>, key: string, make: () => string): string {
  const before = known.get(key);
  if (before !== undefined) return before;
  if (known.size >= TENANTS_MAX) known.clear();
  const made = make();
  known.set(key, made);
  return made;
}

/** Columns `tenant_id[], livemode[]` of the rows. */
export function ownerColumns(rows: readonly Owner[]): [string[], boolean[]] {
  return [rows.map(({ tenant }) => tenantUuid(tenant)), rows.map(({ livemode }) => livemode)];
}

/** Columns `tenant_id[], livemode[], id[]` of the rows. */
export function keyColumns(kind: IdKind, rows: readonly ResourceKey[]): [string[], boolean[], string[]] {
  return [...ownerColumns(rows), rows.map(({ id }) => uuidOf(kind, id))];
}

/** A resource's key as one text, for maps. */
export function keyOf({ tenant, livemode, id }: ResourceKey): string {
  return `${tenant}/${livemode ? 'live' : 'test'}/${id}`;
}

/** A row's key as one text, as {@link keyOf} its resource. */
export function rowKeyOf(
  kind: IdKind,
  row: { readonly tenant_id: string; readonly livemode: boolean; readonly id: string },
): string {
  return keyOf({ tenant: tenantOf(row.tenant_id), livemode: row.livemode, id: fromUuid(kind, row.id) });
}

/** The columns of a row as `returning` names them under an alias. */
export function aliased(alias: string, columns: string): string {
  return columns.replaceAll(/(\w+)/g, `${alias}.$1`);
}
