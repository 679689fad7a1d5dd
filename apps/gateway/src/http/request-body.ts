import { ID_PREFIXES, isClientId, type IdKind } from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { Problem, type FieldProblem } from '@payflow/service';
import { Ajv2020, type ErrorObject, type JSONSchemaType } from 'ajv/dist/2020.js';
import { canonicalInstant } from './instant.js';
import type { JsonObject } from './strict-json.js';

/** Of a body that is wrong in a thousand places, the first say enough. */
const ERRORS_MAX = 50;

export const AMOUNT_SCHEMA = { type: 'string', pattern: '^(0|[1-9][0-9]{0,18})$' } as const;
export const ASSET_SCHEMA = { type: 'string', minLength: 1, maxLength: 12 } as const;
export const INSTANT_SCHEMA = { type: 'string', maxLength: 40 } as const;
export const METADATA_SCHEMA = {
  type: 'object',
  maxProperties: 50,
  propertyNames: { type: 'string', minLength: 1, maxLength: 64 },
  additionalProperties: { type: 'string', maxLength: 500 },
} as const;

/** Of an item of a bulk, as the document tells it: an item of another shape is no fault of the request, but has a result that says so. */
export function judgedAlone(item: object): object {
  return { description: 'Has the shape of `x-item`; where it has another, its own result says so.', 'x-item': item };
}

const ajv = new Ajv2020({ allErrors: true, strictTypes: false });

/** Compiles the shape of a body. What it returns throws `invalid_request` naming everything that is wrong. */
export function bodyReader<T>(schema: object): (body: JsonObject) => T {
  const isValid = ajv.compile<T>(schema as JSONSchemaType<T>);
  return (body) => {
    if (!isValid(body))
      throw new Problem('invalid_request', { errors: (isValid.errors ?? []).slice(0, ERRORS_MAX).map(toFieldProblem) });
    return body;
  };
}

export function wrong(pointer: string, code: string, detail: string): Problem {
  return new Problem('invalid_request', { errors: [{ pointer, code, detail }] });
}

/** The amount in minor units. Throws where it is more than can be counted. */
export function amountOf(pointer: string, amount: string): bigint {
  const minor = parseAmount(amount);
  if (minor === undefined) throw wrong(pointer, 'out_of_range', 'Must be at most 9223372036854775807.');
  return minor;
}

/** Throws where a client chose an id that is not its to choose. */
export function checkClientId(kind: IdKind, pointer: string, id: string | undefined): void {
  if (id !== undefined && !isClientId(kind, id))
    throw wrong(pointer, 'malformed', `Must be ${ID_PREFIXES[kind]}_ with a UUID of version 7 inside.`);
}

/** The instant in UTC with milliseconds, or null where none is given. Throws where the text is none. */
export function instantOf(pointer: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const instant = canonicalInstant(text);
  if (!instant) throw wrong(pointer, 'malformed', 'Must be an RFC 3339 instant with a zone.');
  return instant;
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
