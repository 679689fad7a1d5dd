import { isUnitCode } from '@payflow/money';
import { refuse, type Refused } from './transfer.js';

/** A unit of account that a tenant defined: points, airtime minutes. It stays as it was defined first. */
export interface Unit {
  readonly code: string;
  /** Digits after the decimal point. */
  readonly scale: number;
  readonly name: string;
  readonly createdAt: string;
}

export interface UnitDefined {
  readonly kind: 'defined';
  /** As it was defined first, which may have been before. */
  readonly unit: Unit;
}

/** Decides a definition: `known` is what the code stands for already, `count` how many units the tenant has. */
export function defineUnit(
  unit: Unit,
  known: Unit | undefined,
  count: number,
  limits: { readonly units_max: number },
): UnitDefined | Refused {
  if (!isUnitCode(unit.code)) return refuse('asset_reserved');
  if (known && (known.scale !== unit.scale || known.name !== unit.name)) return refuse('asset_exists');
  if (!known && count >= limits.units_max) return refuse('too_many_assets');
  // From here the unit is there.
  return { kind: 'defined', unit: known ?? unit };
}
