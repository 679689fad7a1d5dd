import { idPattern, newId } from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { PaymentWrite } from '../acceptance/acceptable.js';
import type { Caller } from './caller.js';
import { byName, contentHash } from './content-hash.js';
import { checkAssetCode, unitsAmong } from './named-asset.js';
import { AMOUNT_SCHEMA, amountOf, ASSET_SCHEMA, bodyReader, checkClientId, METADATA_SCHEMA } from './request-body.js';
import type { JsonObject } from './strict-json.js';

/** `POST /api/v1/payments` */
interface PaymentRequest {
  readonly id?: string;
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
  readonly method?: { readonly type: 'internal' };
  readonly capture?: 'automatic';
  readonly reference?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
}

type PaymentFacts = Pick<
  PaymentWrite['command'],
  'source' | 'destination' | 'amount' | 'asset' | 'method' | 'reference' | 'metadata'
>;

/** docs/runner.md: past this the ledger takes no money for the payment any more. */
const LIFETIME_MS = 24 * 3_600_000;

/** The body's shape, for validation and for the OpenAPI document. */
export const PAYMENT_REQUEST_SCHEMA = {
  type: 'object',
  required: ['source', 'destination', 'amount', 'asset'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('payment') },
    source: { type: 'string', pattern: idPattern('account') },
    destination: { type: 'string', pattern: idPattern('account') },
    amount: AMOUNT_SCHEMA,
    asset: ASSET_SCHEMA,
    method: {
      type: 'object',
      required: ['type'],
      additionalProperties: false,
      properties: { type: { const: 'internal' } },
    },
    capture: { const: 'automatic' },
    reference: { type: ['string', 'null'], minLength: 1, maxLength: 255 },
    metadata: METADATA_SCHEMA,
  },
} as const;

// Compiled: checking a body and making the payment of it takes 2.4 µs; class-validator takes 5.7 µs to check the same body
// and 10 with class-transformer before it (242 bytes, CPU time, Node 24). This one route is where it counts.
const readPayment = bodyReader<PaymentRequest>(PAYMENT_REQUEST_SCHEMA);

/** Checks a body and makes the payment of it. Throws 400 for a wrong shape and 422 for what can never be paid. */
export function paymentWrite(json: JsonObject, caller: Caller, now: Date): PaymentWrite {
  const body = readPayment(json);
  refuseImpossible(body);
  const created_at = now.toISOString();
  const id = body.id ?? newId('payment');
  const facts = {
    id,
    source: body.source,
    destination: body.destination,
    amount: body.amount,
    asset: body.asset,
    method: { type: 'internal' as const },
    reference: body.reference ?? null,
    metadata: body.metadata ?? {},
  };
  return {
    kind: 'payment',
    type: 'payflow.payment.create.v1',
    command: {
      ...facts,
      sequence: 1,
      capture: 'automatic',
      created_at,
      expires_at: new Date(now.getTime() + LIFETIME_MS).toISOString(),
    },
    units: unitsAmong([['/asset', body.asset]]),
    contentHash: body.id === undefined ? undefined : hashOf(facts),
    view: {
      ...facts,
      tenant: caller.tenant,
      livemode: caller.livemode,
      status: 'pending',
      version: 0,
      amountCaptured: '0',
      amountRefunded: '0',
      failureCode: null,
      traceId: caller.traceId ?? null,
      createdAt: created_at,
      updatedAt: created_at,
    },
  };
}

function hashOf({ source, destination, amount, asset, method, reference, metadata }: PaymentFacts): Buffer {
  return contentHash('payment', source, destination, amount, asset, method, reference, byName(metadata));
}

function refuseImpossible({ id, amount, asset, source, destination }: PaymentRequest): void {
  const minor = amountOf('/amount', amount);
  checkClientId('payment', '/id', id);
  if (minor === 0n) throw new Problem('amount_not_positive');
  checkAssetCode('/asset', asset);
  if (source === destination) throw new Problem('accounts_identical');
}
