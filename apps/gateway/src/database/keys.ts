import { uuidOf, type IdKind } from '@payflow/contracts';

/** The head of every key: whose it is, and whether of real or of test money. */
export interface Owner {
  readonly tenant: string;
  readonly livemode: boolean;
}

/** A resource by its owner and its public id. */
export interface ResourceKey extends Owner {
  readonly id: string;
}

/** Columns `tenant_id[], livemode[]` of the rows. */
export function ownerColumns(rows: readonly Owner[]): [string[], boolean[]] {
  return [rows.map(({ tenant }) => uuidOf('tenant', tenant)), rows.map(({ livemode }) => livemode)];
}

/** Columns `tenant_id[], livemode[], id[]` of the rows. */
export function keyColumns(kind: IdKind, rows: readonly ResourceKey[]): [string[], boolean[], string[]] {
  return [...ownerColumns(rows), rows.map(({ id }) => uuidOf(kind, id))];
}

/** A resource's key as one text, for maps. */
export function keyOf({ tenant, livemode, id }: ResourceKey): string {
  return `${tenant}/${livemode ? 'live' : 'test'}/${id}`;
}
