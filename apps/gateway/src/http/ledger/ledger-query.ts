import { toUuid, TRANSFER_KINDS } from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import { Problem } from '@payflow/service';
import { partsOfAddress } from '../edge/address.js';
import { canonicalInstant } from '../answers/instant.js';
import { metadata, path, typeName, type FilterReaders } from '../lists/list-filters.js';
import { parseListQuery, type ListQuery } from '../lists/list-query.js';

/** Parameters of the reads that the ledger answers, under the names that they have there too. */
export type LedgerQuery = Readonly<Record<string, string>>;

type Reader = FilterReaders<LedgerQuery>[string]['read'];

const ok = (value: string): { readonly value: string } => ({ value });
const instant: Reader = (text) => {
  const canonical = canonicalInstant(text);
  return canonical ? ok(canonical) : { mustBe: 'an RFC 3339 instant with a zone, such as 2026-11-20T12:00:00.000Z' };
};
const basis: Reader = (text) =>
  ['recorded', 'effective'].includes(text) ? ok(text) : { mustBe: 'recorded or effective' };
const group: Reader = (text) => (toUuid('group', text) ? ok(text) : { mustBe: 'an id of a group' });
const amount: Reader = (text) => (parseAmount(text) === undefined ? { mustBe: 'minor units, as digits' } : ok(text));
const kind: Reader = (text) =>
  TRANSFER_KINDS.some((one) => one === text) ? ok(text) : { mustBe: `one of ${TRANSFER_KINDS.join(', ')}` };
function readers(of: Readonly<Record<string, Reader>>): FilterReaders<LedgerQuery> {
  return Object.fromEntries(Object.entries(of).map(([name, read]) => [name, { name, read }]));
}

export const AS_OF = readers({ as_of: instant, basis });
const SUBTREE = readers({ path });
const PERIOD = readers({ from: instant, to: instant, basis });
export const HISTORY: FilterReaders<LedgerQuery> = {
  // The ledger takes all members in one, as JSON.
  'metadata[*]': { name: 'metadata', read: metadata },
  ...readers({
    group,
    kind,
    type: typeName,
    'amount[gte]': amount,
    'amount[lte]': amount,
    'created[gte]': instant,
    'created[lt]': instant,
  }),
};

/** The query of a read that has no pages. Throws `invalid_parameter` as lists do. */
export function parseLedgerQuery(url: string, of: FilterReaders<LedgerQuery>): LedgerQuery {
  const given = new URLSearchParams(partsOfAddress(url)[1]);
  for (const name of ['limit', 'cursor']) if (given.has(name)) refuse(name, 'unknown', 'There is no such parameter.');
  return parseListQuery<LedgerQuery>(url, of).filter;
}

/** The period of a statement, which must not end before it begins. */
export function parsePeriod(url: string): ListQuery<LedgerQuery> {
  const query = parseListQuery<LedgerQuery>(url, PERIOD);
  const { from, to } = query.filter;
  if (from !== undefined && to !== undefined && from > to) refuse('to', 'malformed', 'Must not be before `from`.');
  return query;
}

/** The path of accounts that an aggregate is of. */
export function parseSubtree(url: string): LedgerQuery {
  const query = parseLedgerQuery(url, SUBTREE);
  if (query['path'] === undefined) refuse('path', 'missing', 'Must be given.');
  return query;
}

function refuse(pointer: string, code: string, detail: string): never {
  throw new Problem('invalid_parameter', { errors: [{ pointer, code, detail }] });
}
