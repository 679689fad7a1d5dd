import {
  BREAKDOWN_KINDS,
  BREAKDOWN_PARTS_MAX,
  CAPTURE_MODES,
  PAYMENT_STATUSES,
  type OperationKind,
} from '@payflow/contracts';
import {
  CANCEL_REQUEST_SCHEMA,
  CAPTURE_REQUEST_SCHEMA,
  CONFIRM_REQUEST_SCHEMA,
  INCREMENT_REQUEST_SCHEMA,
  REFUND_REQUEST_SCHEMA,
} from '../payments/operation.request.js';
import {
  CANCEL_BULK_REQUEST_SCHEMA,
  PAYMENT_BULK_REQUEST_SCHEMA,
  REFUND_BULK_REQUEST_SCHEMA,
} from '../payments/payment-bulk.request.js';
import { PAYMENT_METHOD_SCHEMA, PAYMENT_REQUEST_SCHEMA } from '../payments/payment.request.js';
import { METADATA_SCHEMA } from '../writes/request-body.js';
import { RETRY_REQUEST_SCHEMA } from '../payments/retry.request.js';
import {
  amount,
  assetCode,
  count,
  id,
  instant,
  list,
  nullable,
  nullableText,
  resource,
  text,
  version,
} from './schema-parts.js';

const failure = nullable({
  type: 'object',
  required: ['code'],
  properties: { code: text, reason: { ...text, description: 'Of a limit, a risk rule or a review.' } },
});
const shownOfAll = {
  livemode: { type: 'boolean' },
  version,
  trace_id: nullableText,
  created_at: instant,
  updated_at: instant,
};

const operation = (kind: OperationKind & ('capture' | 'refund')): object =>
  resource({
    id: id(kind),
    object: { const: kind },
    payment: id('payment'),
    status: { enum: ['pending', 'succeeded', 'failed'] },
    amount: { ...nullable(amount), description: 'Null until it is known how much was left.' },
    asset: assetCode,
    failure,
    reason: nullableText,
    metadata: METADATA_SCHEMA,
    ...shownOfAll,
  });

/** A payment of which others get a part says so; the others say nothing. */
function divisible(payment: object): object {
  const { properties } = payment as { readonly properties: object };
  const part = resource({
    kind: { enum: BREAKDOWN_KINDS },
    account: id('account'),
    amount: {
      ...amount,
      description: 'What it gets of the whole amount; of a part of that, a part in the same proportion.',
    },
  });
  const breakdown = { type: 'array', items: part, maxItems: BREAKDOWN_PARTS_MAX };
  const type = { type: 'string', description: 'The transaction type whose template divided it.' };
  return { ...payment, properties: { ...properties, breakdown, type } };
}

/** What a payment, and what is asked of it, takes and gives. */
export const PAYMENT_SCHEMAS: Readonly<Record<string, object>> = {
  PaymentRequest: PAYMENT_REQUEST_SCHEMA,
  Payment: divisible(
    resource({
      id: id('payment'),
      object: { const: 'payment' },
      status: { enum: PAYMENT_STATUSES },
      amount,
      asset: assetCode,
      amount_authorized: { ...amount, description: 'Set aside or taken by now.' },
      amount_captured: amount,
      amount_refunded: amount,
      source: id('account'),
      destination: id('account'),
      method: PAYMENT_METHOD_SCHEMA,
      capture: { enum: CAPTURE_MODES },
      next_action: nullable({
        type: 'object',
        required: ['type'],
        properties: { type: { enum: ['confirm', 'redirect'] }, url: { type: 'string', format: 'uri' } },
      }),
      authorized_until: { ...nullable(instant), description: 'Until when what is authorized can be captured.' },
      failure,
      customer: nullable(id('customer')),
      retry_of: nullable(id('payment')),
      reference: nullableText,
      metadata: METADATA_SCHEMA,
      ...shownOfAll,
    }),
  ),
  PaymentList: list('Payment'),
  ConfirmRequest: CONFIRM_REQUEST_SCHEMA,
  IncrementRequest: INCREMENT_REQUEST_SCHEMA,
  CaptureRequest: CAPTURE_REQUEST_SCHEMA,
  CancelRequest: CANCEL_REQUEST_SCHEMA,
  RefundRequest: REFUND_REQUEST_SCHEMA,
  RetryRequest: RETRY_REQUEST_SCHEMA,
  PaymentBulkRequest: PAYMENT_BULK_REQUEST_SCHEMA,
  CancelBulkRequest: CANCEL_BULK_REQUEST_SCHEMA,
  RefundBulkRequest: REFUND_BULK_REQUEST_SCHEMA,
  PaymentBulk: resource({
    id: id('bulk'),
    object: { const: 'payment_bulk' },
    status: { enum: ['pending', 'completed'] },
    counts: resource({ total: count, pending: count, succeeded: count, failed: count }),
    results: {
      type: 'array',
      items: resource({
        index: count,
        id: { ...nullableText, description: 'Null where the item was refused at the door.' },
        status: {
          type: 'integer',
          description: 'What the item alone would have been answered with; 202 while it is on its way.',
        },
        answer: nullable({ type: 'object', description: 'The payment, the refund, or the problem.' }),
      }),
    },
  }),
  Refund: operation('refund'),
  RefundList: list('Refund'),
  Capture: operation('capture'),
  CaptureList: list('Capture'),
};
