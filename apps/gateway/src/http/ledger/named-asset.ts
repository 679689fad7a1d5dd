import { isAssetCode, isUnitCode } from '@payflow/money';
import { Problem } from '@payflow/service';
import type { NamedUnit } from '../../acceptance/acceptable.js';

/** Throws where no asset and no unit can have the code. Whether the tenant has such a unit is for the books to say. */
export function checkAssetCode(pointer: string, code: string): void {
  if (!isAssetCode(code) && !isUnitCode(code))
    throw new Problem('asset_unknown', {
      errors: [{ pointer, code: 'asset_unknown', detail: 'Must be a code of `GET /assets`, in upper case.' }],
    });
}

/** The units among the assets that a request names; undefined where all are everybody's, as nearly always. */
export function unitsAmong(assets: readonly (readonly [pointer: string, code: string])[]): NamedUnit[] | undefined {
  const units = assets.filter(([, code]) => !isAssetCode(code));
  return units.length > 0 ? units.map(([pointer, code]) => ({ pointer, code })) : undefined;
}
