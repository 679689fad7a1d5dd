import { idPattern, toUuid } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { Problem } from '@payflow/service';
import type { Write } from '../../acceptance/acceptable.js';
import type { BulkItem } from '../../acceptance/payment-bulks.js';
import { keyOf } from '../../database/keys.js';
import { findPayments } from '../../database/payment-view.repository.js';
import { bulkParts, readItem, type BulkShape } from '../writes/bulk-body.js';
import type { Caller } from '../edge/caller.js';
import { refuseOversized } from '../writes/command-size.js';
import type { BulkBytes } from '../edge/edge.js';
import {
  CANCEL_REQUEST_SCHEMA,
  cancelWrite,
  REFUND_REQUEST_SCHEMA,
  refundWrite,
  type OperationReader,
} from './operation.request.js';
import { PAYMENT_REQUEST_SCHEMA, paymentWrite } from './payment.request.js';
import { bodyReader, judgedAlone, wrong } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

const ITEMS_MAX = 1_000;

const PAYMENTS_SHAPE: BulkShape = { member: 'payments', items_max: ITEMS_MAX };
const CANCELLATIONS_SHAPE: BulkShape = { member: 'cancellations', items_max: ITEMS_MAX };
const REFUNDS_SHAPE: BulkShape = { member: 'refunds', items_max: ITEMS_MAX };

/** A body whose items are held against `item` one by one, each with an answer of its own. */
function bodySchema({ member, items_max }: BulkShape, item: object): object {
  return {
    type: 'object',
    required: [member],
    additionalProperties: false,
    properties: { [member]: { type: 'array', minItems: 1, maxItems: items_max, items: judgedAlone(item) } },
  };
}

/** What is asked of a payment, with the payment beside it, which alone stands in the path. */
function withPayment(schema: object): object {
  const { properties } = schema as { readonly properties: object };
  return { ...schema, required: ['payment'], properties: { payment: PAYMENT_ID, ...properties } };
}

const PAYMENT_ID = { type: 'string', pattern: idPattern('payment') };

export const PAYMENT_BULK_REQUEST_SCHEMA = bodySchema(PAYMENTS_SHAPE, PAYMENT_REQUEST_SCHEMA);
export const CANCEL_BULK_REQUEST_SCHEMA = bodySchema(CANCELLATIONS_SHAPE, withPayment(CANCEL_REQUEST_SCHEMA));
export const REFUND_BULK_REQUEST_SCHEMA = bodySchema(REFUNDS_SHAPE, withPayment(REFUND_REQUEST_SCHEMA));

/** Who asks, and where payments are looked up. */
export interface PaymentBulkReading {
  readonly caller: Caller;
  readonly db: Database;
  readonly now: Date;
}

/** Takes the items of a bulk out of its body. */
export type PaymentBulkReader = (body: BulkBytes, reading: PaymentBulkReading) => Promise<readonly BulkItem[]>;

/** `POST /payments/bulk` */
export const paymentItems: PaymentBulkReader = async (body, { caller, now }) => {
  const items = await itemsOf(body, PAYMENTS_SHAPE);
  return items.map((item) => () => fitting(item, paymentWrite(readItem(item), caller, now)));
};

/** `POST /payments/bulk_cancel` */
export const cancelItems: PaymentBulkReader = (body, reading) =>
  operationItems(body, CANCELLATIONS_SHAPE, cancelWrite, reading);

/** `POST /payments/bulk_refund` */
export const refundItems: PaymentBulkReader = (body, reading) =>
  operationItems(body, REFUNDS_SHAPE, refundWrite, reading);

async function itemsOf(body: BulkBytes, shape: BulkShape): Promise<readonly Buffer[]> {
  const { head, items } = await bulkParts(body, shape);
  if (body.format === 'json') readHeads[shape.member]?.(head);
  if (items.length === 0) throw wrong(`/${shape.member}`, 'too_few', 'Must hold at least one.');
  return items;
}

/** What is left of a body when its items are taken out: nothing but the place where they were. */
const readHeads: Readonly<Record<string, (head: JsonObject) => unknown>> = Object.fromEntries(
  [PAYMENTS_SHAPE, CANCELLATIONS_SHAPE, REFUNDS_SHAPE].map(({ member }) => [
    member,
    bodyReader({
      type: 'object',
      required: [member],
      additionalProperties: false,
      properties: { [member]: { type: 'array', maxItems: 0 } },
    }),
  ]),
);

/** The payments of all items are looked up together; one that is not there is the fault of its item alone. */
async function operationItems(
  body: BulkBytes,
  shape: BulkShape,
  write: OperationReader,
  { caller, db, now }: PaymentBulkReading,
): Promise<readonly BulkItem[]> {
  const items = await itemsOf(body, shape);
  const { tenant, livemode } = caller;
  const read = items.map((item) => problemOr(() => namedPayment(item)));
  const ids = read.flatMap((one) => (one instanceof Problem ? [] : [one.payment]));
  const known = await findPayments(
    db,
    [...new Set(ids)].map((id) => ({ tenant, livemode, id })),
  );
  return read.map((one, index) => () => {
    if (one instanceof Problem) throw one;
    const payment = known.get(keyOf({ tenant, livemode, id: one.payment }));
    if (!payment) throw new Problem('not_found');
    return fitting(items[index] as Buffer, write({ payment, ifVersion: null }, one.rest, caller, now));
  });
}

function namedPayment(item: Buffer): { readonly payment: string; readonly rest: JsonObject } {
  const { payment, ...rest } = readItem(item);
  if (payment === undefined) throw wrong('/payment', 'missing', 'Must be given.');
  if (typeof payment !== 'string' || !toUuid('payment', payment))
    throw wrong('/payment', 'malformed', 'Must be an id of a payment.');
  return { payment, rest };
}

function fitting<W extends Write>(item: Buffer, write: W): W {
  refuseOversized(write, item.length);
  return write;
}

function problemOr<T>(read: () => T): T | Problem {
  try {
    return read();
  } catch (error) {
    if (error instanceof Problem && error.status < 500) return error;
    throw error;
  }
}
