import { parse } from 'node:querystring';
import { toUuid, type IdKind } from '@payflow/contracts';
import { isAssetCode } from '@payflow/money';
import { Problem, type FieldProblem } from '@payflow/service';
import type { PaymentFilter } from '../database/payment-view.repository.js';

export interface ListQuery {
  readonly filter: PaymentFilter;
  readonly limit: number;
  readonly cursor: string | undefined;
  /** The filters as one text, the same for equal filters: what a cursor belongs to. */
  readonly canonical: string;
}

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;
/** More parameters than there are names are repeated or unknown anyway; stop reading there. */
const PARAMETERS_MAX = 32;
const REFERENCE_LENGTH_MAX = 255;
const STATUSES = ['pending', 'processing', 'succeeded', 'failed'];

/** Reads one parameter, or says what it must be. */
type Reader = (text: string) => { readonly value: string } | { readonly mustBe: string };

const ok = (value: string): { readonly value: string } => ({ value });
const id =
  (kind: IdKind): Reader =>
  (text) =>
    toUuid(kind, text) ? ok(text) : { mustBe: `an id of ${kind === 'account' ? 'an account' : `a ${kind}`}` };
const instant: Reader = (text) => {
  const canonical = canonicalInstant(text);
  return canonical ? ok(canonical) : { mustBe: 'an RFC 3339 instant with a zone, such as 2026-11-20T12:00:00.000Z' };
};

const FILTERS: Readonly<Record<string, { readonly name: keyof PaymentFilter; readonly read: Reader }>> = {
  status: {
    name: 'status',
    read: (text) => (STATUSES.includes(text) ? ok(text) : { mustBe: `one of ${STATUSES.join(', ')}` }),
  },
  source: { name: 'source', read: id('account') },
  destination: { name: 'destination', read: id('account') },
  asset: { name: 'asset', read: (text) => (isAssetCode(text) ? ok(text) : { mustBe: 'the code of a known asset' }) },
  reference: { name: 'reference', read: reference },
  'created[gte]': { name: 'createdGte', read: instant },
  'created[gt]': { name: 'createdGt', read: instant },
  'created[lte]': { name: 'createdLte', read: instant },
  'created[lt]': { name: 'createdLt', read: instant },
};

/** Names of the filters, for the documentation. */
export const FILTER_NAMES = Object.keys(FILTERS);

/** Reads the query of a list. Throws `invalid_parameter` naming everything that is unknown, repeated or malformed. */
export function parseListQuery(url: string): ListQuery {
  const errors: FieldProblem[] = [];
  const filter: Record<string, string> = {};
  let limit = LIMIT_DEFAULT;
  let cursor: string | undefined;
  for (const [name, text] of parametersOf(url, errors)) {
    if (name === 'cursor') cursor = text;
    else if (name === 'limit') limit = readLimit(text, errors);
    else readFilter(name, text, filter, errors);
  }
  if (errors.length > 0) throw new Problem('invalid_parameter', { errors });
  return { filter, limit, cursor, canonical: JSON.stringify(Object.entries(filter).sort()) };
}

/** Throws `invalid_parameter` where a route that knows no parameters is given one. */
export function refuseParameters(url: string): void {
  const errors: FieldProblem[] = [];
  for (const [name] of parametersOf(url, errors)) errors.push(unknown(name));
  if (errors.length > 0) throw new Problem('invalid_parameter', { errors });
}

function parametersOf(url: string, errors: FieldProblem[]): [name: string, text: string][] {
  const start = url.indexOf('?');
  if (start < 0) return [];
  const parameters = Object.entries(parse(url.slice(start + 1), '&', '=', { maxKeys: PARAMETERS_MAX }));
  return parameters.flatMap(([name, text]): [string, string][] => {
    if (typeof text === 'string') return [[name, text]];
    errors.push({ pointer: name.slice(0, 64), code: 'repeated', detail: 'Give it once.' });
    return [];
  });
}

function readFilter(name: string, text: string, filter: Record<string, string>, errors: FieldProblem[]): void {
  const known = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (!known) {
    errors.push(unknown(name));
    return;
  }
  const read = known.read(text);
  if ('value' in read) filter[known.name] = read.value;
  else errors.push({ pointer: name, code: 'malformed', detail: `Must be ${read.mustBe}.` });
}

function readLimit(text: string, errors: FieldProblem[]): number {
  const limit = /^[0-9]{1,3}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIMIT_MAX) return limit;
  errors.push({ pointer: 'limit', code: 'malformed', detail: `Must be a whole number from 1 to ${LIMIT_MAX}.` });
  return LIMIT_DEFAULT;
}

function reference(text: string): ReturnType<Reader> {
  const plain = text.length >= 1 && text.length <= REFERENCE_LENGTH_MAX && text.isWellFormed() && !text.includes('\0');
  return plain ? ok(text) : { mustBe: `1 to ${REFERENCE_LENGTH_MAX} characters` };
}

/** The unknown name is shown cut: it is the caller's own text, but it need not come back whole. */
function unknown(name: string): FieldProblem {
  return { pointer: name.slice(0, 64), code: 'unknown', detail: 'There is no such parameter.' };
}

const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** The instant in UTC with milliseconds, or undefined when the text is none: no zone, no such day, no such hour. */
function canonicalInstant(text: string): string | undefined {
  const [, year, month, day] = INSTANT.exec(text) ?? [];
  const time = Date.parse(text);
  if (!year || Number.isNaN(time)) return undefined;
  // Date.parse takes 30 February for 2 March.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) <= lastDay ? new Date(time).toISOString() : undefined;
}
