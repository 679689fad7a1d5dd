import { idPattern, newId, OPERATION_KINDS, type MessageData, type OperationKind } from '@payflow/contracts';
import type { OperationWrite } from '../../acceptance/acceptable.js';
import type { OperationView } from '../../domain/operation.js';
import type { PaymentView } from '../../domain/payment.js';
import type { Caller } from '../edge/caller.js';
import { conditionOf } from '../writes/condition.js';
import { byName, contentHash } from '../writes/content-hash.js';
import {
  AMOUNT_SCHEMA,
  amountOf,
  bodyReader,
  checkClientId,
  impossible,
  METADATA_SCHEMA,
  wrong,
} from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

/** What any operation may say of itself; each knows some of these. */
interface OperationRequest {
  readonly id?: string;
  readonly amount?: string;
  readonly final?: boolean;
  readonly reason?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The payment that something is asked of, and the version it must still have. */
export interface Asked {
  readonly payment: PaymentView;
  readonly ifVersion: number | null;
}

/** Makes an operation of a body. Throws 400 for a wrong shape and 422 for what can never be done. */
export type OperationReader = (asked: Asked, json: JsonObject, caller: Caller, now: Date) => OperationWrite;

const REASON_SCHEMA = { type: ['string', 'null'], minLength: 1, maxLength: 255 } as const;

function shape(properties: Record<string, object>, required: readonly string[] = []): object {
  return { type: 'object', additionalProperties: false, required, properties };
}

const id = (kind: OperationKind): object => ({ type: 'string', pattern: idPattern(OPERATION_KINDS[kind]) });

export const CONFIRM_REQUEST_SCHEMA = shape({});
export const INCREMENT_REQUEST_SCHEMA = shape({ id: id('increment'), amount: AMOUNT_SCHEMA }, ['amount']);
export const CAPTURE_REQUEST_SCHEMA = shape({
  id: id('capture'),
  amount: { ...AMOUNT_SCHEMA, description: 'All that is left, unless given.' },
  final: {
    type: 'boolean',
    description:
      'Of `manual_multiple`: gives back what is left after it. Any other payment is captured once, and gives it back.',
  },
  metadata: METADATA_SCHEMA,
});
export const CANCEL_REQUEST_SCHEMA = shape({ reason: REASON_SCHEMA });
export const REFUND_REQUEST_SCHEMA = shape({
  id: id('refund'),
  amount: { ...AMOUNT_SCHEMA, description: 'All that is left, unless given.' },
  reason: REASON_SCHEMA,
  metadata: METADATA_SCHEMA,
});

const reading = (schema: object) => bodyReader<OperationRequest>(schema);
const readConfirm = reading(CONFIRM_REQUEST_SCHEMA);
const readIncrement = reading(INCREMENT_REQUEST_SCHEMA);
const readCapture = reading(CAPTURE_REQUEST_SCHEMA);
const readCancel = reading(CANCEL_REQUEST_SCHEMA);
const readRefund = reading(REFUND_REQUEST_SCHEMA);

/** `POST …/confirm` */
export const confirmWrite: OperationReader = (asked, json, caller, now) => {
  const parts = partsOf('confirmation', asked, readConfirm(json), caller, now);
  const command = { ...parts.told, capture: null };
  return { ...parts.write, kind: 'confirmation', type: 'payflow.payment.confirm.v1', command };
};

/** `POST …/authorize`: {@link confirmWrite}, but the money is only set aside. */
export const authorizeWrite: OperationReader = (asked, json, caller, now) => {
  const parts = partsOf('confirmation', asked, readConfirm(json), caller, now);
  const command = { ...parts.told, capture: 'manual' as const };
  return { ...parts.write, kind: 'confirmation', type: 'payflow.payment.confirm.v1', command };
};

/** `POST …/increment` */
export const incrementWrite: OperationReader = (asked, json, caller, now) => {
  const body = readIncrement(json);
  const parts = partsOf('increment', asked, body, caller, now);
  const command = { ...parts.told, amount: body.amount as string };
  return { ...parts.write, kind: 'increment', type: 'payflow.payment.increment.v1', command };
};

/** `POST …/capture` */
export const captureWrite: OperationReader = (asked, json, caller, now) => {
  const body = readCapture(json);
  const parts = partsOf('capture', asked, body, caller, now);
  const { amount = null, final = false, metadata = {} } = body;
  // What it asks for would not happen: what is left is given back, and can never be taken.
  if (body.final === false && asked.payment.capture !== 'manual_multiple')
    throw wrong(
      '/final',
      'not_supported',
      'Can be false only of a payment that was made with `"capture":"manual_multiple"`.',
    );
  const command: MessageData['payflow.payment.capture.v1'] = { ...parts.told, amount, final, metadata };
  return { ...parts.write, kind: 'capture', type: 'payflow.payment.capture.v1', command };
};

/** `POST …/cancel` */
export const cancelWrite: OperationReader = (asked, json, caller, now) => {
  const body = readCancel(json);
  const parts = partsOf('cancellation', asked, body, caller, now);
  const command = { ...parts.told, reason: body.reason ?? null };
  return { ...parts.write, kind: 'cancellation', type: 'payflow.payment.cancel.v1', command };
};

/** `POST …/refunds` */
export const refundWrite: OperationReader = (asked, json, caller, now) => {
  const body = readRefund(json);
  const parts = partsOf('refund', asked, body, caller, now);
  const { amount = null, reason = null, metadata = {} } = body;
  const command = { ...parts.told, amount, reason, metadata };
  return { ...parts.write, kind: 'refund', type: 'payflow.payment.refund.v1', command };
};

/** Accepting gives the command its place; until then it stands behind the payment's creation. */
const UNPLACED = 2;

/** What all operations have in common: what the command says of itself, and all of the write but its kind and command. */
function partsOf(
  kind: OperationKind,
  { payment, ifVersion }: Asked,
  body: OperationRequest,
  caller: Caller,
  now: Date,
) {
  refuseImpossible(kind, body);
  const created_at = now.toISOString();
  const id = body.id ?? newId(OPERATION_KINDS[kind]);
  const { amount = null, reason = null, metadata = {} } = body;
  const view: OperationView = {
    tenant: caller.tenant,
    livemode: caller.livemode,
    id,
    kind,
    payment: payment.id,
    status: 'pending',
    amount,
    asset: payment.asset,
    failureCode: null,
    reason,
    metadata,
    traceId: caller.traceId ?? null,
    version: 0,
    createdAt: created_at,
    updatedAt: created_at,
  };
  return {
    told: { id: payment.id, sequence: UNPLACED, operation: id, created_at, ...conditionOf(ifVersion) },
    write: {
      commandId: newId('event'),
      ifVersion,
      view,
      contentHash:
        body.id === undefined
          ? undefined
          : contentHash(kind, payment.id, amount, body.final ?? false, reason, byName(metadata)),
    },
  };
}

function refuseImpossible(kind: OperationKind, { id, amount }: OperationRequest): void {
  checkClientId(OPERATION_KINDS[kind], '/id', id);
  if (amount !== undefined && amountOf('/amount', amount) === 0n) throw impossible('amount_not_positive', '/amount');
}
