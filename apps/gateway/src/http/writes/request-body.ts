import { ID_PREFIXES, isClientId, PROBLEMS, type IdKind, type ProblemCode } from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { Problem } from '@payflow/service';
import { Ajv2020, type JSONSchemaType } from 'ajv/dist/2020.js';
import { AMOUNT_PATTERN, fieldProblems } from './field-problems.js';
import { canonicalInstant } from '../answers/instant.js';
import type { JsonObject } from '../edge/strict-json.js';

export const AMOUNT_SCHEMA = { type: 'string', pattern: AMOUNT_PATTERN } as const;
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

/** As messages are: it is the OpenAPI document, with these schemas in it, that is linted. */
const QUICKLY = { code: { optimize: false }, meta: false, validateSchema: false };
const ajv = new Ajv2020({ ...QUICKLY, allErrors: true, strictTypes: false });

/** Compiles the shape of a body. What it returns throws `invalid_request` naming everything that is wrong. */
export function bodyReader<T>(schema: object): (body: JsonObject) => T {
  const isValid = ajv.compile<T>(schema as JSONSchemaType<T>);
  return (body) => {
    if (!isValid(body)) throw new Problem('invalid_request', { errors: fieldProblems(isValid.errors ?? []) });
    return body;
  };
}

/** {@link bodyReader} of a body that may also only ask what would come of it. {@link isDryRun} tells whether it does. */
export function triableReader<T>(schema: object): (body: JsonObject) => T {
  const read = bodyReader<T>(schema);
  return ({ dry_run: _asked, ...body }) => read(body);
}

/** Whether a body only asks what would come of it. Throws 400 where it says so in another way than by true or false. */
export function isDryRun({ dry_run = false }: JsonObject): boolean {
  if (typeof dry_run !== 'boolean') throw wrong('/dry_run', 'wrong_type', 'Must be true or false.');
  return dry_run;
}

export function wrong(pointer: string, code: string, detail: string): Problem {
  return new Problem('invalid_request', { errors: [{ pointer, code, detail }] });
}

/** Of what is well-formed and cannot be: one member of the request is at fault. */
export function impossible(code: ProblemCode, pointer: string): Problem {
  return new Problem(code, { errors: [{ pointer, code, detail: `${PROBLEMS[code].title}.` }] });
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
  if (!instant)
    throw wrong(pointer, 'malformed', 'Must be an RFC 3339 instant with a zone, such as 2026-11-20T12:00:00Z.');
  return instant;
}
