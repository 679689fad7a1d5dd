import { ASSET_NAME_LENGTH_MAX, ASSET_SCALE_MAX, newId } from '@payflow/contracts';
import { isReservedCode } from '@payflow/money';
import type { AssetWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { bodyReader, impossible } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `POST /api/v1/assets` */
interface AssetRequest {
  readonly code: string;
  readonly scale: number;
  readonly name: string;
}

export const ASSET_REQUEST_SCHEMA = {
  type: 'object',
  required: ['code', 'scale', 'name'],
  additionalProperties: false,
  properties: {
    // From three letters on, so that the code of a currency is told to be reserved, and not to be malformed.
    code: { type: 'string', pattern: '^[A-Z][A-Z0-9]{2,11}$' },
    scale: { type: 'integer', minimum: 0, maximum: ASSET_SCALE_MAX },
    name: {
      type: 'string',
      minLength: 1,
      maxLength: ASSET_NAME_LENGTH_MAX,
      pattern: '^[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029]*$',
    },
  },
} as const;

const readAsset = bodyReader<AssetRequest>(ASSET_REQUEST_SCHEMA);

/** Checks a body and makes the command of it that defines the unit. Throws 400 for a wrong shape and 422 for a code of others. */
export function assetWrite(json: JsonObject, caller: Caller, now: Date): AssetWrite {
  const { code, scale, name } = readAsset(json);
  if (isReservedCode(code)) throw impossible('asset_reserved', '/code');
  const created_at = now.toISOString();
  const commandId = newId('event');
  return {
    kind: 'change',
    type: 'payflow.asset.define.v1',
    command: { id: code, scale, name, created_at },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: created_at },
  };
}
