import { parse } from 'node:querystring';
import { Problem, type FieldProblem } from '@payflow/service';
import type { FilterReaders } from './list-filters.js';

export interface ListQuery<F> {
  readonly filter: F;
  readonly limit: number;
  /** Whether the limit was asked for: what is carried away whole has none else. */
  readonly bounded: boolean;
  readonly cursor: string | undefined;
  /** The filters as one text, the same for equal filters: what a cursor belongs to. */
  readonly canonical: string;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;
/** Far more than any list has filters. Nothing is read of more: what stands behind would be passed over without a word. */
const PARAMETERS_MAX = 32;

/** Reads the query of a list. Throws `invalid_parameter` naming everything that is unknown, repeated or malformed. */
export function parseListQuery<F extends object>(url: string, filters: FilterReaders<F>): ListQuery<F> {
  const errors: FieldProblem[] = [];
  const filter: Record<string, string> = {};
  let limit: number | undefined;
  let cursor: string | undefined;
  for (const [name, text] of parametersOf(url, errors)) {
    if (name === 'cursor') cursor = text;
    else if (name === 'limit') limit = readLimit(text, errors);
    else readFilter(filters, [name, text], filter, errors);
  }
  if (errors.length > 0) throw new Problem('invalid_parameter', { errors });
  return {
    filter: filter as F,
    limit: limit ?? LIMIT_DEFAULT,
    bounded: limit !== undefined,
    cursor,
    canonical: JSON.stringify(Object.entries(filter).sort()),
  };
}

/** Throws `invalid_parameter` where a route that knows no parameters is given one. */
export function refuseParameters(url: string): void {
  parametersOnly(url, []);
}

/** The parameters of a request that may have these and no others, as they stand. Throws `invalid_parameter`. */
export function parametersOnly(url: string, names: readonly string[]): Readonly<Record<string, string>> {
  const errors: FieldProblem[] = [];
  const parameters = parametersOf(url, errors);
  for (const [name] of parameters) if (!names.includes(name)) errors.push(unknown(name));
  if (errors.length > 0) throw new Problem('invalid_parameter', { errors });
  return Object.fromEntries(parameters);
}

function parametersOf(url: string, errors: FieldProblem[]): [name: string, text: string][] {
  const start = url.indexOf('?');
  if (start < 0) return [];
  const query = url.slice(start + 1);
  const parts = query.split('&', PARAMETERS_MAX + 1);
  if (parts.length > PARAMETERS_MAX) {
    errors.push({ pointer: '', code: 'too_many', detail: `At most ${PARAMETERS_MAX} parameters.` });
    return [];
  }
  for (const part of parts) if (!isEncoded(part)) errors.push(malformed(part));
  return Object.entries(parse(query)).flatMap(([name, text]): [string, string][] => {
    if (typeof text === 'string') return [[name, text]];
    errors.push({ pointer: name.slice(0, 64), code: 'repeated', detail: 'Give it once.' });
    return [];
  });
}

/** The parser puts a sign of its own in the place of what is no UTF-8, and would look for that. */
function isEncoded(part: string): boolean {
  if (!part.includes('%')) return true;
  try {
    decodeURIComponent(part);
    return true;
  } catch {
    return false;
  }
}

function malformed(part: string): FieldProblem {
  const name = part.split('=', 1)[0] as string;
  return { pointer: name.slice(0, 64), code: 'malformed', detail: 'Must be UTF-8, percent-encoded.' };
}

function readFilter<F>(
  filters: FilterReaders<F>,
  [name, text]: readonly [string, string],
  filter: Record<string, string>,
  errors: FieldProblem[],
): void {
  const [, of, member] = /^([a-z]+)\[(.+)\]$/s.exec(name) ?? [];
  const isMember = member !== undefined && Object.hasOwn(filters, `${of}[*]`);
  const known = isMember ? filters[`${of}[*]`] : Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (!known) {
    errors.push(unknown(name));
    return;
  }
  const read = known.read(text, member ?? '');
  const at = known.name as string;
  if ('value' in read) filter[at] = isMember ? withMember(filter[at], member, read.value) : read.value;
  else errors.push({ pointer: name.slice(0, 80), code: 'malformed', detail: `Must be ${read.mustBe}.` });
}

/** The object with one member more, its names in order: equal objects are equal texts. */
function withMember(object: string | undefined, member: string, value: string): string {
  const members = Object.entries(JSON.parse(object ?? '{}') as Record<string, string>);
  return JSON.stringify(
    Object.fromEntries([...members, [member, value]].sort(([a = ''], [b = '']) => (a < b ? -1 : 1))),
  );
}

function readLimit(text: string, errors: FieldProblem[]): number {
  const limit = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  errors.push({ pointer: 'limit', code: 'malformed', detail: `Must be a whole number from 1 to ${LIMIT_MAX}.` });
  return LIMIT_DEFAULT;
}

/** The unknown name is shown cut: it is the caller's own text, but it need not come back whole. */
function unknown(name: string): FieldProblem {
  return { pointer: name.slice(0, 64), code: 'unknown', detail: 'There is no such parameter.' };
}
