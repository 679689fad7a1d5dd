import {
  ACCOUNT_KINDS,
  ACCOUNT_PATTERNS_MAX,
  newId,
  PATH_PATTERN_PATTERN,
  TEMPLATE_LEGS_MAX,
  TEMPLATE_PLACES,
  TYPE_NAME_PATTERN,
  type AccountKind,
  type AccountPattern,
  type Template,
  type TemplateLeg,
  type VariableType,
} from '@payflow/contracts';
import { Problem } from '@payflow/service';
import type { NamedAccount, NamedUnit, TypeWrite } from '../../acceptance/acceptable.js';
import { faultsOfTemplate } from '../../domain/template-faults.js';
import { variableOf } from '../../domain/template.js';
import type { Caller } from '../edge/caller.js';
import { unitsAmong } from './named-asset.js';
import { bodyReader } from '../writes/request-body.js';
import type { JsonObject } from '../edge/strict-json.js';

interface PatternRequest {
  readonly path?: string;
  readonly kind?: AccountKind;
}

interface TemplateLegRequest {
  readonly debit_account: string;
  readonly credit_account: string;
  readonly asset: string;
  readonly amount?: string;
  readonly of?: string;
  readonly portion?: string;
  readonly remaining?: true;
  readonly up_to?: boolean;
}

/** `POST /api/v1/transaction_types` */
interface TransactionTypeRequest {
  readonly id: string;
  readonly debit?: readonly PatternRequest[];
  readonly credit?: readonly PatternRequest[];
  readonly template?: {
    readonly variables?: Readonly<Record<string, VariableType>>;
    readonly legs: readonly TemplateLegRequest[];
  };
}

/** Of a template that is wrong in a thousand places, the first say enough. */
const ERRORS_MAX = 50;

const PATTERNS = {
  type: 'array',
  minItems: 1,
  maxItems: ACCOUNT_PATTERNS_MAX,
  items: {
    type: 'object',
    minProperties: 1,
    additionalProperties: false,
    properties: {
      path: { type: 'string', maxLength: 255, pattern: PATH_PATTERN_PATTERN },
      kind: { enum: ACCOUNT_KINDS },
    },
  },
} as const;

export const TRANSACTION_TYPE_REQUEST_SCHEMA = {
  type: 'object',
  required: ['id'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: TYPE_NAME_PATTERN },
    debit: PATTERNS,
    credit: PATTERNS,
    template: {
      type: 'object',
      required: ['legs'],
      additionalProperties: false,
      properties: {
        variables: TEMPLATE_PLACES.variables,
        legs: {
          type: 'array',
          minItems: 1,
          maxItems: TEMPLATE_LEGS_MAX,
          items: {
            type: 'object',
            required: ['debit_account', 'credit_account', 'asset'],
            additionalProperties: false,
            properties: {
              debit_account: TEMPLATE_PLACES.account,
              credit_account: TEMPLATE_PLACES.account,
              asset: TEMPLATE_PLACES.asset,
              amount: TEMPLATE_PLACES.amount,
              of: TEMPLATE_PLACES.whole,
              portion: TEMPLATE_PLACES.portion,
              remaining: { const: true },
              up_to: { type: 'boolean' },
            },
          },
        },
      },
    },
  },
} as const;

const readType = bodyReader<TransactionTypeRequest>(TRANSACTION_TYPE_REQUEST_SCHEMA);

/** Checks a body and makes the command of it that defines the type. Throws 400 for a wrong shape, and for a template that can never sum up. */
export function transactionTypeWrite(ifVersion: number | null, json: JsonObject, caller: Caller, now: Date): TypeWrite {
  const { id, debit, credit, template } = readType(json);
  const made = template ? templateOf(template) : null;
  const errors = made ? faultsOfTemplate(made) : [];
  if (errors.length > 0) throw new Problem('invalid_request', { errors: errors.slice(0, ERRORS_MAX) });
  const commandId = newId('event');
  return {
    kind: 'change',
    type: 'payflow.transaction_type.define.v1',
    command: { id, debit: patternsOf(debit), credit: patternsOf(credit), template: made, if_version: ifVersion },
    commandId,
    accounts: made ? literalAccounts(made.legs) : [],
    units: made ? literalUnits(made.legs) : undefined,
    view: { tenant: caller.tenant, livemode: caller.livemode, id: commandId, createdAt: now.toISOString() },
  };
}

function patternsOf(patterns: readonly PatternRequest[] | undefined): AccountPattern[] | null {
  return patterns?.map(({ path = null, kind = null }) => ({ path, kind })) ?? null;
}

/** In one order, so that what is defined again is known as the same. */
function templateOf({ variables = {}, legs }: NonNullable<TransactionTypeRequest['template']>): Template {
  const sorted = Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1));
  return { variables: Object.fromEntries(sorted), legs: legs.map(legOf) };
}

function legOf(leg: TemplateLegRequest): TemplateLeg {
  const { debit_account, credit_account, asset, amount = null, of = null, portion = null, remaining = false } = leg;
  const made = { debit_account, credit_account, asset, amount, of, portion, remaining };
  // What moves all or nothing is written as it was before there was anything else, and so known as the same.
  return leg.up_to ? { ...made, up_to: true } : made;
}

/** The accounts that the template itself names: they must be there, and of its asset where it says which. */
function literalAccounts(legs: readonly TemplateLeg[]): NamedAccount[] {
  return legs.flatMap(({ debit_account, credit_account, asset }, at) =>
    Object.entries({ debit_account, credit_account })
      .filter(([, id]) => variableOf(id) === undefined)
      .map(([place, id]) => ({
        pointer: `/template/legs/${at}/${place}`,
        id,
        asset: variableOf(asset) === undefined ? asset : null,
      })),
  );
}

/** The units that the template itself names: they must be defined. */
function literalUnits(legs: readonly TemplateLeg[]): NamedUnit[] | undefined {
  return unitsAmong(
    legs.flatMap(({ asset }, at) =>
      variableOf(asset) === undefined ? [[`/template/legs/${at}/asset`, asset] as const] : [],
    ),
  );
}
