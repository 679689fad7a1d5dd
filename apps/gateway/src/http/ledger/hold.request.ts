import { idPattern, newId } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { HoldPostWrite, HoldVoidWrite, HoldWrite } from '../../acceptance/acceptable.js';
import type { HoldView } from '../../domain/hold.js';
import type { Caller } from '../edge/caller.js';
import { conditionOf } from '../writes/condition.js';
import { ownTime } from '../../test-mode/books-of.js';
import { contentHash } from '../writes/content-hash.js';
import { accountsOf, checkMovement, MOVEMENT_PROPERTIES, MOVEMENT_REQUIRED, type MovementRequest } from './movement.js';
import { unitsAmong } from './named-asset.js';
import {
  AMOUNT_SCHEMA,
  amountOf,
  checkClientId,
  impossible,
  INSTANT_SCHEMA,
  instantOf,
  triableReader,
} from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';
import { pendingTransfer, TYPE } from './transfer.request.js';

/** `POST /api/v1/holds` */
interface HoldRequest extends MovementRequest {
  readonly expires_at?: string;
  readonly type?: string;
}

/** `POST /api/v1/holds/:id/post` */
interface HoldPostRequest {
  readonly id?: string;
  readonly amount?: string;
  readonly final?: boolean;
}

export const HOLD_REQUEST_SCHEMA = {
  type: 'object',
  required: MOVEMENT_REQUIRED,
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('hold') },
    ...MOVEMENT_PROPERTIES,
    expires_at: INSTANT_SCHEMA,
    type: TYPE,
  },
} as const;

export const HOLD_POST_REQUEST_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('transfer') },
    amount: AMOUNT_SCHEMA,
    final: { type: 'boolean' },
  },
} as const;

export const HOLD_VOID_REQUEST_SCHEMA = { type: 'object', additionalProperties: false, properties: {} } as const;

const readHold = triableReader<HoldRequest>(HOLD_REQUEST_SCHEMA);
const readPost = triableReader<HoldPostRequest>(HOLD_POST_REQUEST_SCHEMA);
const readVoid = triableReader<object>(HOLD_VOID_REQUEST_SCHEMA);

/** Checks a body and makes the hold of it. Throws 400 for a wrong shape and 422 for what can never be held. */
export function holdWrite(json: JsonObject, caller: Caller, now: Date): HoldWrite {
  const body = readHold(json);
  checkMovement('hold', '', body);
  const expiresAt = instantOf('/expires_at', body.expires_at);
  const isOver = expiresAt !== null && expiresAt <= ownTime(caller, now).toISOString();
  const { id = newId('hold'), debit_account, credit_account, amount, asset } = body;
  const created_at = now.toISOString();
  const isNamed = body.id !== undefined;
  return {
    kind: 'hold',
    contentHash: isNamed
      ? contentHash('hold', debit_account, credit_account, amount, asset, expiresAt, body.type)
      : undefined,
    type: 'payflow.hold.place.v1',
    command: {
      id,
      payment: null,
      debit_account,
      credit_account,
      amount,
      asset,
      expires_at: expiresAt,
      valid_until: null,
      ...(body.type === undefined ? {} : { type: body.type }),
    },
    commandId: newId('event'),
    accounts: accountsOf('', body),
    units: unitsAmong([['/asset', asset]]),
    objection: isOver ? impossible('expires_at_past', '/expires_at') : undefined,
    view: {
      tenant: caller.tenant,
      livemode: caller.livemode,
      id,
      status: 'requested',
      debitAccount: debit_account,
      creditAccount: credit_account,
      amount,
      posted: '0',
      asset,
      expiresAt,
      payment: null,
      type: body.type ?? null,
      transfer: null,
      failureCode: null,
      traceId: caller.traceId ?? null,
      version: 0,
      createdAt: created_at,
      updatedAt: created_at,
    },
  };
}

/** Which hold is to be ended, and at which version; null: at any. */
export interface AskedHold {
  readonly hold: HoldView;
  readonly ifVersion: number | null;
}

/** Checks a body and makes the transfer of it that books held money. Throws 400, and 409 and 422 for what cannot be. */
export function holdPostWrite(
  { hold, ifVersion }: AskedHold,
  json: JsonObject,
  caller: Caller,
  now: Date,
): HoldPostWrite {
  const { id: given, amount, final = true } = readPost(json);
  checkClientId('transfer', '/id', given);
  if (amount !== undefined && amountOf('/amount', amount) === 0n) throw impossible('amount_not_positive', '/amount');
  refuseUnplaced(hold);
  const { debitAccount, creditAccount, asset } = hold;
  const id = given ?? newId('transfer');
  const accounts = { debit_account: debitAccount, credit_account: creditAccount };
  return {
    kind: 'transfer',
    type: 'payflow.hold.post.v1',
    contentHash: given === undefined ? undefined : contentHash('hold posting', hold.id, amount ?? null, final),
    command: { id, hold: hold.id, ...accounts, amount: amount ?? null, final, ...conditionOf(ifVersion) },
    commandId: newId('event'),
    view: {
      ...pendingTransfer(caller, now),
      id,
      debitAccount,
      creditAccount,
      amount: amount ?? (BigInt(hold.amount) - BigInt(hold.posted)).toString(),
      asset,
      hold: hold.id,
      type: hold.type,
    },
  };
}

/** Checks a body, which says nothing, and makes the command of it that gives held money back. Throws 400 and 409. */
export function holdVoidWrite(
  { hold, ifVersion }: AskedHold,
  json: JsonObject,
  caller: Caller,
  now: Date,
): HoldVoidWrite {
  readVoid(json);
  refuseUnplaced(hold);
  const commandId = newId('event');
  const accounts = { debit_account: hold.debitAccount, credit_account: hold.creditAccount };
  return {
    kind: 'change',
    type: 'payflow.hold.void.v1',
    command: { id: hold.id, ...accounts, expired: false, ...conditionOf(ifVersion) },
    commandId,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}

/**
 * A hold that the ledger has not placed, or refused to, cannot be ended. Whether one that it did place has ended by now, only
 * the ledger says: a copy of the request that ended it must find its answer.
 */
function refuseUnplaced({ status }: HoldView): void {
  if (status === 'requested' || status === 'failed') throw new Problem('hold_not_pending');
}
