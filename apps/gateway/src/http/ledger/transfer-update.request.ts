import { newId } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { TransferUpdateWrite } from '../../acceptance/acceptable.js';
import type { TransferView } from '../../domain/transfer.js';
import type { Caller } from '../edge/caller.js';
import { bodyReader, METADATA_SCHEMA } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** `PATCH /api/v1/transfers/:id` */
interface TransferUpdateRequest {
  readonly metadata: Readonly<Record<string, string>>;
}

/** Which transfer is to change, and at which version. */
export interface Change {
  readonly transfer: TransferView;
  readonly ifVersion: number | null;
}

export const TRANSFER_UPDATE_REQUEST_SCHEMA = {
  type: 'object',
  required: ['metadata'],
  additionalProperties: false,
  properties: { metadata: METADATA_SCHEMA },
} as const;

const readUpdate = bodyReader<TransferUpdateRequest>(TRANSFER_UPDATE_REQUEST_SCHEMA);

/** Checks a body and makes the command of it that changes the transfer's metadata. Throws 400 for a wrong shape, and 409. */
export function transferUpdateWrite(
  { transfer, ifVersion }: Change,
  json: JsonObject,
  caller: Caller,
  now: Date,
): TransferUpdateWrite {
  const { metadata } = readUpdate(json);
  // Never left once it is reached, so that no copy of an accepted change is refused here.
  if (transfer.status !== 'posted') throw new Problem('transfer_not_posted');
  const commandId = newId('event');
  return {
    kind: 'change',
    type: 'payflow.transfer.update.v1',
    // What was moved back of it is part of its ETag, and nothing that the ledger need compare.
    command: {
      id: transfer.id,
      debit_account: transfer.debitAccount,
      metadata,
      if_version: ifVersion === null ? null : transfer.metadataVersion,
    },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
    objection: ifVersion === null || ifVersion === transfer.version ? undefined : new Problem('version_differs'),
  };
}
