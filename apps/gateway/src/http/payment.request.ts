import { ID_PREFIXES, idPattern, isClientId, newId } from '@payflow/contracts';
import { isAssetCode, parseAmount } from '@payflow/money';
import { Problem, type FieldProblem } from '@payflow/service';
import { Ajv2020, type ErrorObject, type JSONSchemaType } from 'ajv/dist/2020.js';
import type { Write } from '../acceptance/acceptable.js';
import type { Caller } from './caller.js';
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

/** docs/runner.md: past this the ledger takes no money for the payment any more. */
const LIFETIME_MS = 24 * 3_600_000;

export const METADATA_SCHEMA = {
  type: 'object',
  maxProperties: 50,
  propertyNames: { type: 'string', minLength: 1, maxLength: 64 },
  additionalProperties: { type: 'string', maxLength: 500 },
} as const;

/** The body's shape, for validation and for the OpenAPI document. */
export const PAYMENT_REQUEST_SCHEMA = {
  type: 'object',
  required: ['source', 'destination', 'amount', 'asset'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: idPattern('payment') },
    source: { type: 'string', pattern: idPattern('account') },
    destination: { type: 'string', pattern: idPattern('account') },
    amount: { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$' },
    asset: { type: 'string', minLength: 1, maxLength: 12 },
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
const isPaymentRequest = new Ajv2020({ allErrors: true, strictTypes: false }).compile<PaymentRequest>(
  PAYMENT_REQUEST_SCHEMA as unknown as JSONSchemaType<PaymentRequest>,
);

/** Checks a body and makes the payment of it. Throws 400 for a wrong shape and 422 for what can never be paid. */
export function paymentWrite(body: JsonObject, caller: Caller, now: Date): Write & { readonly kind: 'payment' } {
  if (!isPaymentRequest(body))
    throw new Problem('invalid_request', { errors: (isPaymentRequest.errors ?? []).map(toFieldProblem) });
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
    command: {
      ...facts,
      sequence: 1,
      capture: 'automatic',
      created_at,
      expires_at: new Date(now.getTime() + LIFETIME_MS).toISOString(),
    },
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

function refuseImpossible({ id, amount, asset, source, destination }: PaymentRequest): void {
  const minor = parseAmount(amount);
  if (minor === undefined) throw wrong('/amount', 'out_of_range', 'Must be at most 9223372036854775807.');
  if (id !== undefined && !isClientId('payment', id))
    throw wrong('/id', 'malformed', `Must be ${ID_PREFIXES.payment}_ with a UUID of version 7 inside.`);
  if (minor === 0n) throw new Problem('amount_not_positive');
  if (!isAssetCode(asset)) throw new Problem('asset_unknown');
  if (source === destination) throw new Problem('accounts_identical');
}

export function wrong(pointer: string, code: string, detail: string): Problem {
  return new Problem('invalid_request', { errors: [{ pointer, code, detail }] });
}

const CODES: Readonly<Record<string, string>> = {
  required: 'missing',
  additionalProperties: 'unknown',
  type: 'wrong_type',
  const: 'not_supported',
  maxProperties: 'too_many',
  maxLength: 'too_long',
  minLength: 'too_short',
  propertyNames: 'malformed',
};

/** Names the field and the rule; never the value, which may be a secret in the wrong place. */
function toFieldProblem({ keyword, instancePath, params, message }: ErrorObject): FieldProblem {
  const { missingProperty, additionalProperty } = params as { missingProperty?: string; additionalProperty?: string };
  const member = missingProperty ?? additionalProperty;
  return {
    pointer: member === undefined ? instancePath : `${instancePath}/${escapePointer(member).slice(0, 64)}`,
    code: CODES[keyword] ?? 'malformed',
    detail: keyword === 'pattern' ? 'Is malformed.' : `Is refused: ${message ?? keyword}.`,
  };
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
