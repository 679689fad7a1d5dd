import type { MessageSpec } from '../messages.js';
import { assetCode, instant, object, reason } from './schema.js';

/** Digits after the point of a unit: twelve leave room for nine million whole ones in a 64-bit column. */
export const ASSET_SCALE_MAX = 12;
/** The longest name of a unit. */
export const ASSET_NAME_LENGTH_MAX = 100;
/** A tenant has at most so many units of its own in each mode: their list is told whole. */
export const TENANT_ASSETS_MAX = 1_000;

/** `payflow.asset.define.v1`: a unit of the tenant's own, such as points or airtime minutes. */
export interface AssetDefine {
  /** Its code, which names it in all amounts. */
  readonly id: string;
  /** Digits after the decimal point. */
  readonly scale: number;
  readonly name: string;
  readonly created_at: string;
}

/** `payflow.asset.defined.v1`: the unit as it was defined first, which it stays. */
export type AssetDefined = AssetDefine;

/** `payflow.asset.rejected.v1` */
export interface AssetRejected {
  readonly id: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const facts = {
  id: assetCode,
  scale: { type: 'integer', minimum: 0, maximum: ASSET_SCALE_MAX },
  name: { type: 'string', minLength: 1, maxLength: ASSET_NAME_LENGTH_MAX },
  created_at: instant,
};

export const assetSchemas = {
  'payflow.asset.define.v1': {
    topic: 'ledger.commands.v1',
    // One code lies within one partition: of two who define it, one is the first.
    key: (data: AssetDefine) => data.id,
    summary: 'Define a unit of account, for good.',
    schema: object(facts),
    refusable: ['id'],
  },
  'payflow.asset.defined.v1': {
    topic: 'ledger.events.v1',
    key: (data: AssetDefined) => data.id,
    summary: 'The unit is there, as it was defined first; accounts can be opened in it.',
    schema: object(facts),
  },
  'payflow.asset.rejected.v1': {
    topic: 'ledger.events.v1',
    key: (data: AssetRejected) => data.id,
    summary: 'The unit was not defined, for the reason given.',
    schema: object({ id: assetCode, reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
