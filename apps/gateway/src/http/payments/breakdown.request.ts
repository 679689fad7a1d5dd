import {
  BREAKDOWN_KINDS,
  BREAKDOWN_PARTS_MAX,
  idPattern,
  TYPE_NAME_PATTERN,
  type BreakdownPart,
  type TemplateLeg,
  type TransactionTypeDefined,
} from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { Problem } from '@payflow/service';
import type { FastifyRequest } from 'fastify';
import type { NamedAccount } from '../../acceptance/acceptable.js';
import {
  breakdownOf,
  placeOfAccount,
  templateBreakdown,
  type PartAsked,
  type PaymentFacts,
} from '../../domain/breakdown.js';
import { byName } from '../writes/content-hash.js';
import type { ParsedBody } from '../edge/edge.js';
import { AMOUNT_SCHEMA, amountOf, impossible, wrong } from '../writes/request-body.js';

/** How a payment says who else gets a part of it: literally, or by a type's template with its variables. */
export interface DivisionRequest {
  readonly breakdown?: readonly PartAsked[];
  readonly type?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

const WEIGHT_MAX = 1_000_000;
const VALUE_LENGTH_MAX = 64;

/** Of the body of a payment. */
export const DIVISION_PROPERTIES = {
  breakdown: {
    type: 'array',
    minItems: 1,
    maxItems: BREAKDOWN_PARTS_MAX,
    items: {
      type: 'object',
      required: ['kind', 'account'],
      additionalProperties: false,
      properties: {
        kind: { enum: BREAKDOWN_KINDS },
        account: { type: 'string', pattern: idPattern('account') },
        amount: AMOUNT_SCHEMA,
        basis_points: { type: 'integer', minimum: 1, maximum: 10_000 },
        fixed: AMOUNT_SCHEMA,
        weight: { type: 'integer', minimum: 1, maximum: WEIGHT_MAX },
      },
    },
  },
  type: { type: 'string', pattern: TYPE_NAME_PATTERN },
  variables: {
    type: 'object',
    maxProperties: 50,
    propertyNames: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,31}$' },
    additionalProperties: { type: 'string', maxLength: VALUE_LENGTH_MAX },
  },
} as const;

/** How a payment is divided, what must be looked up for it, and what was asked for. */
export interface PaymentDivision {
  readonly told: { readonly breakdown: readonly BreakdownPart[]; readonly type?: string };
  readonly accounts: readonly NamedAccount[];
}

/** Whether a request names a transaction type, which must be read before it can be understood. */
export function typeOfPayment({ body }: Pick<FastifyRequest, 'body'>): string | undefined {
  const type: unknown = (body as Partial<ParsedBody> | undefined)?.json?.['type'];
  return typeof type === 'string' && new RegExp(TYPE_NAME_PATTERN).test(type) ? type : undefined;
}

/**
 * Checks who gets what of a payment that has been read; undefined where the destination gets all. Throws 400 for a wrong shape
 * and 422 for what can never be divided. `type` is what was found by the type's name; null where nobody has looked.
 */
export function paymentDivision(
  body: DivisionRequest & PaymentFacts,
  type: TransactionTypeDefined | undefined | null,
): PaymentDivision | undefined {
  if (body.breakdown && body.type !== undefined)
    throw wrong('/type', 'ambiguous', 'Must not come with a `breakdown`: its template is one.');
  if (body.variables && body.type === undefined)
    throw wrong('/variables', 'ambiguous', 'Must come with the `type` whose template they are for.');
  if (body.breakdown) return literalDivision(body, body.breakdown);
  return body.type === undefined ? undefined : typeDivision(body, body.variables ?? {}, type);
}

/** What of it tells one payment from another under an id that the client chose: what was asked for, whatever it comes to. */
export function meaningOfDivision({ breakdown, type, variables = {} }: DivisionRequest): unknown[] {
  // A payment that is not divided means what it meant before any was.
  if (breakdown) return [breakdown.map(meaningOfPart)];
  return type === undefined ? [] : [type, byName(variables)];
}

function meaningOfPart({ kind, account, amount, basis_points, fixed, weight }: PartAsked): unknown[] {
  return [kind, account, amount ?? null, basis_points ?? null, fixed ?? null, weight ?? null];
}

function literalDivision(payment: PaymentFacts, asked: readonly PartAsked[]): PaymentDivision {
  asked.forEach((part, at) => checkPart(payment, part, `/breakdown/${at}`));
  const breakdown = breakdownOf(parseAmount(payment.amount) ?? 0n, asked);
  if (!breakdown) throw impossible('breakdown_exceeds_amount', '/breakdown');
  const { asset } = payment;
  const accounts = asked.map(({ account: id }, at) => ({ pointer: `/breakdown/${at}/account`, id, asset }));
  return { told: { breakdown }, accounts };
}

function checkPart({ source, destination }: PaymentFacts, part: PartAsked, at: string): void {
  const { account, amount, basis_points, fixed, weight } = part;
  if ([amount, basis_points, weight].filter((one) => one !== undefined).length !== 1)
    throw wrong(at, 'ambiguous', 'Must have an `amount`, `basis_points` or a `weight`: one of them.');
  if (fixed !== undefined && basis_points === undefined)
    throw wrong(`${at}/fixed`, 'ambiguous', 'Must come with `basis_points`; a sum alone is an `amount`.');
  if (amount !== undefined && amountOf(`${at}/amount`, amount) === 0n)
    throw impossible('amount_not_positive', `${at}/amount`);
  if (fixed !== undefined) amountOf(`${at}/fixed`, fixed);
  // Among weights the destination may have its own.
  if (account === source || (account === destination && weight === undefined))
    throw impossible('accounts_identical', `${at}/account`);
}

function typeDivision(
  payment: PaymentFacts,
  variables: Readonly<Record<string, string>>,
  type: TransactionTypeDefined | undefined | null,
): PaymentDivision {
  if (type === null)
    throw wrong('/type', 'not_supported', 'Must be asked for alone: in a bulk the template of a type is not read.');
  if (!type) throw impossible('transaction_type_not_found', '/type');
  if (!type.template) throw impossible('transaction_type_without_template', '/type');
  const divided = templateBreakdown(type.template, payment, variables);
  switch (divided.kind) {
    case 'faults':
      throw new Problem('invalid_request', { errors: divided.faults });
    case 'refused':
      throw impossible(divided.code, divided.pointer);
    case 'unfit':
      throw impossible('template_not_for_payments', '/type');
    case 'parts': {
      const { parts: breakdown, legs } = divided;
      if (breakdown.length > BREAKDOWN_PARTS_MAX) throw impossible('template_not_for_payments', '/type');
      const { asset } = payment;
      const accounts = breakdown.map(({ account: id }, at) => ({
        pointer: placeOfAccount(legs[at] as TemplateLeg),
        id,
        asset,
      }));
      return { told: { breakdown, type: type.id }, accounts };
    }
    default:
      return divided satisfies never;
  }
}
