import { idPattern, newId } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { ReversalWrite } from '../../acceptance/acceptable.js';
import type { Caller } from '../edge/caller.js';
import { byName, contentHash } from '../writes/content-hash.js';
import {
  AMOUNT_SCHEMA,
  amountOf,
  checkClientId,
  impossible,
  METADATA_SCHEMA,
  triableReader,
} from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import { transferCondition, type AskedTransfer } from './transfer-condition.js';
import { groupOfOne, pendingTransfer, TYPE } from './transfer.request.js';

/** `POST /api/v1/transfers/:id/reverse` */
interface ReversalRequest {
  readonly id?: string;
  readonly amount?: string;
  readonly type?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export const REVERSAL_REQUEST_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('transfer') },
    amount: AMOUNT_SCHEMA,
    type: TYPE,
    metadata: METADATA_SCHEMA,
  },
} as const;

const readReversal = triableReader<ReversalRequest>(REVERSAL_REQUEST_SCHEMA);

/** Checks a body and makes the transfer of it that moves the original back. Throws 400, and 409 and 422 for what cannot be. */
export function reversalWrite(asked: AskedTransfer, json: JsonObject, caller: Caller, now: Date): ReversalWrite {
  const { original } = asked;
  const { id: given, amount, type, metadata = {} } = readReversal(json);
  checkClientId('transfer', '/id', given);
  if (amount !== undefined && amountOf('/amount', amount) === 0n) throw impossible('amount_not_positive', '/amount');
  // Never left once it is reached, so that no copy of an accepted reversal is refused here.
  if (original.status !== 'posted') throw new Problem('transfer_not_posted');
  const { debitAccount, creditAccount, asset } = original;
  const { demanded, objection } = transferCondition(asked);
  const id = given ?? newId('transfer');
  return {
    kind: 'transfer',
    type: 'payflow.transfer.reverse.v1',
    contentHash:
      given === undefined ? undefined : contentHash('reversal', original.id, amount ?? null, type, byName(metadata)),
    command: {
      id: groupOfOne(id),
      transfer: id,
      original: original.id,
      debit_account: debitAccount,
      credit_account: creditAccount,
      amount: amount ?? null,
      metadata,
      ...(type === undefined ? {} : { type }),
      ...demanded,
    },
    commandId: newId('event'),
    objection,
    view: {
      ...pendingTransfer(caller, now),
      id,
      debitAccount: creditAccount,
      creditAccount: debitAccount,
      amount: amount ?? (BigInt(original.amount) - BigInt(original.reversed)).toString(),
      asset,
      reverses: original.id,
      type: type ?? null,
      metadata,
    },
  };
}
