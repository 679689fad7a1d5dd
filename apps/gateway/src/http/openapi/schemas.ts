import { idPattern, type IdKind } from '@payflow/contracts';
import { METADATA_SCHEMA, PAYMENT_REQUEST_SCHEMA } from '../payment.request.js';

const id = (kind: IdKind) => ({ type: 'string', pattern: idPattern(kind) });
const amount = { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$', description: 'Minor units, as digits.' };
const signedAmount = {
  type: 'string',
  pattern: '^-?(0|[1-9][0-9]{0,18})$',
  description: 'Minor units; negative where the overdraft allows it.',
};
const instant = { type: 'string', format: 'date-time' };
const nullableText = { type: ['string', 'null'] };
const version = { type: 'integer', minimum: 0 };
const assetCode = { type: 'string', examples: ['USD'] };
const overdraft = { enum: ['none', 'unbounded'] };

function resource(properties: Record<string, object>): object {
  return { type: 'object', required: Object.keys(properties), properties };
}

function list(item: string): object {
  return resource({
    data: { type: 'array', items: { $ref: `#/components/schemas/${item}` } },
    next_cursor: nullableText,
  });
}

/** JSON Schemas (2020-12, as OpenAPI 3.1 uses them) of everything the API takes and gives. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  PaymentRequest: PAYMENT_REQUEST_SCHEMA,
  Payment: resource({
    id: id('payment'),
    object: { const: 'payment' },
    status: { enum: ['pending', 'processing', 'succeeded', 'failed'] },
    amount,
    asset: assetCode,
    amount_captured: amount,
    amount_refunded: amount,
    source: id('account'),
    destination: id('account'),
    method: resource({ type: { const: 'internal' } }),
    failure: { anyOf: [resource({ code: { type: 'string' } }), { type: 'null' }] },
    reference: nullableText,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    version,
    trace_id: nullableText,
    created_at: instant,
    updated_at: instant,
  }),
  PaymentList: list('Payment'),
  AccountRequest: {
    type: 'object',
    required: ['asset'],
    additionalProperties: false,
    properties: {
      id: id('account'),
      path: { type: ['string', 'null'], minLength: 1, maxLength: 255, pattern: '^[\\x21-\\x7e]+$' },
      asset: assetCode,
      overdraft,
      metadata: METADATA_SCHEMA,
    },
  },
  Account: resource({
    id: id('account'),
    object: { const: 'account' },
    status: { enum: ['pending', 'open'] },
    path: nullableText,
    asset: assetCode,
    overdraft,
    balance: signedAmount,
    available: signedAmount,
    posted_debits: amount,
    posted_credits: amount,
    pending_debits: amount,
    pending_credits: amount,
    metadata: METADATA_SCHEMA,
    livemode: { type: 'boolean' },
    version,
    created_at: instant,
    updated_at: instant,
  }),
  Asset: resource({
    object: { const: 'asset' },
    code: assetCode,
    scale: { type: 'integer' },
    kind: { enum: ['fiat', 'crypto'] },
  }),
  AssetList: list('Asset'),
  Report: { type: 'object', description: 'As monitoring gives it.' },
  Problem: {
    type: 'object',
    required: ['type', 'title', 'status', 'code', 'retryable'],
    properties: {
      type: { type: 'string', format: 'uri-reference' },
      title: { type: 'string' },
      status: { type: 'integer' },
      detail: { type: 'string' },
      instance: { type: 'string' },
      code: { type: 'string' },
      request_id: { type: 'string' },
      trace_id: { type: 'string' },
      retryable: { type: 'boolean' },
      errors: {
        type: 'array',
        items: resource({ pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } }),
      },
      payment: { $ref: '#/components/schemas/Payment' },
    },
  },
};
