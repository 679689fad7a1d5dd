import type { FieldProblem } from '@payflow/service';
import type { ErrorObject } from 'ajv/dist/2020.js';
import { beginningOf } from '../edge/text-length.js';

/** Of a body that is wrong in a thousand places, the first say enough. */
const ERRORS_MAX = 50;

const CODES: Readonly<Record<string, string>> = {
  required: 'missing',
  additionalProperties: 'unknown',
  type: 'wrong_type',
  const: 'not_supported',
  maxProperties: 'too_many',
  maxLength: 'too_long',
  minLength: 'too_short',
};

/** What a rule of a schema demands, as far as it concerns what can be said of it. */
interface Params {
  readonly missingProperty?: string;
  readonly additionalProperty?: string;
  readonly allowedValues?: readonly unknown[];
  readonly allowedValue?: unknown;
  readonly type?: string | readonly string[];
  readonly pattern?: string;
  readonly limit?: number;
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};

/** Told beside what they come from. */
const ECHOES: ReadonlySet<string> = new Set(['if', 'propertyNames']);

/** As in `AMOUNT_SCHEMA`. */
export const AMOUNT_PATTERN = '^(0|[1-9][0-9]{0,18})$';
const ID_PATTERN = /^\^([a-z]+)_\[0-7\]/;

/** Each names a field and what it must be; never its value, which may be a secret in the wrong place. */
export function fieldProblems(errors: readonly ErrorObject[]): FieldProblem[] {
  const choices = errors.filter(isChoice);
  const told = errors.filter((one) => !ECHOES.has(one.keyword) && !choices.some((choice) => isWithin(choice, one)));
  return told.slice(0, ERRORS_MAX).map((one) => problemOf(one, waysOf(one, errors)));
}

function isChoice({ keyword }: ErrorObject): boolean {
  return keyword === 'anyOf' || keyword === 'oneOf';
}

function isWithin(choice: ErrorObject, { schemaPath }: ErrorObject): boolean {
  return schemaPath.startsWith(`${choice.schemaPath}/`);
}

/** The members one of which would do, where a choice is between nothing else. */
function waysOf(error: ErrorObject, errors: readonly ErrorObject[]): readonly string[] {
  if (!isChoice(error)) return [];
  const ways = errors.filter((one) => isWithin(error, one));
  return ways.every(({ keyword }) => keyword === 'required')
    ? ways.map(({ params }) => (params as Params).missingProperty ?? '')
    : [];
}

function problemOf(error: ErrorObject, ways: readonly string[]): FieldProblem {
  const { keyword, instancePath, propertyName } = error;
  const { missingProperty, additionalProperty } = error.params as Params;
  const member = missingProperty ?? additionalProperty ?? propertyName;
  return {
    pointer: member === undefined ? instancePath : `${instancePath}/${beginningOf(escapePointer(member), 64)}`,
    code: CODES[keyword] ?? 'malformed',
    detail: ways.length > 0 ? `Must have one of ${ways.join(', ')}.` : detailOf(error),
  };
}

function detailOf({ keyword, params, message, propertyName }: ErrorObject): string {
  const { allowedValues = [], allowedValue, type = [], pattern = '', limit = 0 } = params as Params;
  const [must, length] = propertyName === undefined ? ['Must', 'Must have'] : ['Its name must', 'Its name must have'];
  switch (keyword) {
    case 'required':
      return 'Must be given.';
    case 'additionalProperties':
    case 'false schema':
      return 'There is no such member here.';
    case 'type':
      return `${must} be ${[type]
        .flat()
        .map((one) => TYPES[one] ?? one)
        .join(' or ')}.`;
    case 'enum':
      return `${must} be one of ${allowedValues.map((one) => (one === null ? 'null' : String(one))).join(', ')}.`;
    case 'const':
      return `${must} be ${JSON.stringify(allowedValue)}.`;
    case 'pattern':
      return `${must} ${shapeOf(pattern)}.`;
    case 'minLength':
      return `${length} at least ${counted(limit, 'character')}.`;
    case 'maxLength':
      return `${length} at most ${counted(limit, 'character')}.`;
    case 'minItems':
      return `Must have at least ${counted(limit, 'item')}.`;
    case 'maxItems':
      return `Must have at most ${counted(limit, 'item')}.`;
    case 'minProperties':
      return `Must have at least ${counted(limit, 'member')}.`;
    case 'maxProperties':
      return `Must have at most ${counted(limit, 'member')}.`;
    case 'minimum':
      return `Must be at least ${limit}.`;
    case 'maximum':
      return `Must be at most ${limit}.`;
    case 'anyOf':
    case 'oneOf':
      return 'Must have one of the shapes that the reference shows.';
    default:
      return `Is refused: ${message ?? keyword}.`;
  }
}

function shapeOf(pattern: string): string {
  if (pattern === AMOUNT_PATTERN)
    return 'be minor units as a string of digits, such as "1999": no sign, point or leading zero';
  const prefix = ID_PATTERN.exec(pattern)?.[1];
  return prefix === undefined ? `match ${pattern}` : `be an id, ${prefix}_ and 26 characters, as it was returned`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

function escapePointer(name: string): string {
  return name.replaceAll('~', '~0').replaceAll('/', '~1');
}
