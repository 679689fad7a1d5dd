import { ASSETS, FIAT_TABLE_DATE, type Asset, type AssetKind } from '@payflow/money';
import type { Owner } from '../database/keys.js';

/** A unit of account that a tenant defined. */
export interface UnitView extends Owner {
  readonly code: string;
  /** Digits after the decimal point. */
  readonly scale: number;
  readonly name: string;
  readonly createdAt: string;
}

/** An asset of the HTTP API: everybody's, or a unit of the tenant's own. */
export interface AssetResource {
  readonly object: 'asset';
  readonly code: string;
  readonly scale: number;
  readonly kind: AssetKind | 'unit';
  readonly name: string | null;
  /** Of a currency, the day of the ISO 4217 table that its scale was taken from. */
  readonly table_date: string | null;
  readonly created_at: string | null;
}

/** The assets that everybody has, by code. */
export const COMMON_ASSETS: ReadonlyMap<string, AssetResource> = new Map(
  [...ASSETS].map(([code, asset]) => [code, commonResource(asset)]),
);

function commonResource({ code, scale, kind }: Asset): AssetResource {
  const table_date = kind === 'fiat' ? FIAT_TABLE_DATE : null;
  return { object: 'asset', code, scale, kind, name: null, table_date, created_at: null };
}

export function unitResource({ code, scale, name, createdAt }: Omit<UnitView, keyof Owner>): AssetResource {
  return { object: 'asset', code, scale, kind: 'unit', name, table_date: null, created_at: createdAt };
}
