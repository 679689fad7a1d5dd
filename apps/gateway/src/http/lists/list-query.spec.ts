import { newId } from '@payflow/contracts';
import type { Problem } from '@payflow/service';
import { describe, expect, it } from 'vitest';
import { HOLD_FILTERS, PAYMENT_FILTERS, TRANSFER_FILTERS } from './list-filters.js';
import { parseListQuery, refuseParameters } from './list-query.js';

const account = newId('account');
const read = (url: string) => parseListQuery(url, PAYMENT_FILTERS);

it('reads filters, limit and cursor', () => {
  const query = `status=failed&source=${account}&created[gte]=2026-01-01T00:00:00Z&created%5Blt%5D=2026-01-02T01:00:00.5%2B01:00&limit=7&cursor=abc`;
  expect(read(`/x?${query}`)).toMatchObject({
    filter: {
      status: 'failed',
      source: account,
      createdGte: '2026-01-01T00:00:00.000Z',
      createdLt: '2026-01-02T00:00:00.500Z',
    },
    limit: 7,
    cursor: 'abc',
  });
});

it('has defaults', () => {
  expect(read('/x')).toEqual({ filter: {}, limit: 50, bounded: false, cursor: undefined, canonical: '[]' });
});

it('calls equal filters equal, in whatever order and spelling', () => {
  const one = read('/x?status=failed&created[gte]=2026-01-01T00:00:00Z&limit=5');
  const other = read('/x?created%5Bgte%5D=2026-01-01T01:00:00%2B01:00&status=failed');
  expect(one.canonical).toBe(other.canonical);
});

describe('metadata', () => {
  const of = (url: string) => parseListQuery(url, TRANSFER_FILTERS);
  const refused = (url: string) => errorsIn(() => of(url));

  it('is many parameters and one filter, equal in whatever order', () => {
    const one = of('/x?metadata[order]=7&metadata%5Ba%20b%5D=%22&kind=plain');
    expect(one.filter).toEqual({ kind: 'plain', metadata: JSON.stringify({ 'a b': '"', order: '7' }) });
    expect(of('/x?kind=plain&metadata[a%20b]=%22&metadata[order]=7').canonical).toBe(one.canonical);
    expect(of('/x?metadata[__proto__]=1&metadata[*]=2&metadata[a][b]=').filter.metadata).toBe(
      '{"*":"2","__proto__":"1","a][b":""}',
    );
  });

  it.each([
    ['metadata=7', 'metadata', 'unknown'],
    ['metadata[]=7', 'metadata[]', 'unknown'],
    ['metadata[a]=7&metadata[a]=8', 'metadata[a]', 'repeated'],
    ['metadata[a]=%00', 'metadata[a]', 'malformed'],
    ['metadata[%00]=a', 'metadata[\0]', 'malformed'],
    [`metadata[a]=${'x'.repeat(501)}`, 'metadata[a]', 'malformed'],
    [`metadata[${'x'.repeat(65)}]=a`, `metadata[${'x'.repeat(65)}]`, 'malformed'],
    ['kind=holds', 'kind', 'malformed'],
    ['kind[a]=plain', 'kind[a]', 'unknown'],
  ])('is refused as %s', (query, pointer, code) => {
    expect(refused(`/x?${query}`)).toEqual([[pointer, code]]);
  });

  it('is no filter of lists that have none', () => {
    expect(errorsIn(() => parseListQuery('/x?metadata[a]=1', HOLD_FILTERS))).toEqual([['metadata[a]', 'unknown']]);
  });
});

it.each([33, 1_000])('refuses %i parameters, for it would have to pass over some of them', (count) => {
  const many = Array.from({ length: count - 1 }, (_, at) => `metadata[k${at}]=v`);
  expect(errorsOf(`/x?${[...many, 'bogus=1'].join('&')}`)).toEqual([['', 'too_many']]);
  expect(errorsOf(`/x?${'&'.repeat(count)}bogus=1`)).toEqual([['', 'too_many']]);
  expect(errorsIn(() => refuseParameters(`/x?${'&'.repeat(count)}bogus=1`))).toEqual([['', 'too_many']]);
  const most = many.slice(0, 31).join('&');
  expect(JSON.parse(read(`/x?${most}&status=failed`).filter.metadata as string)).toHaveProperty('k30', 'v');
  expect(errorsOf(`/x?${most}&bogus=1`)).toEqual([['bogus', 'unknown']]);
});

it.each(['reference=%ff', 'reference=%ED%A0%80', 'reference=100%', 'reference=%zz'])('refuses %s, no UTF-8', (query) =>
  expect(errorsOf(`/x?${query}`)).toEqual([['reference', 'malformed']]),
);

it('counts characters as bodies do', () => {
  const [most, more] = ['😀'.repeat(255), '😀'.repeat(256)].map(encodeURIComponent);
  expect(read(`/x?reference=${most}`).filter.reference).toBe('😀'.repeat(255));
  expect(errorsOf(`/x?reference=${more}`)).toEqual([['reference', 'malformed']]);
  expect(read(`/x?metadata[a]=${encodeURIComponent('😀'.repeat(500))}`).filter.metadata).toBeDefined();
  expect(errorsOf(`/x?metadata[a]=${encodeURIComponent('😀'.repeat(501))}`)).toEqual([['metadata[a]', 'malformed']]);
});

it('names everything that is wrong at once', () => {
  expect(errorsOf('/x?limit=0&status=x&foo=1&asset=usd&asset=eur')).toEqual(
    [
      ['limit', 'malformed'],
      ['status', 'malformed'],
      ['foo', 'unknown'],
      ['asset', 'repeated'],
    ].sort(),
  );
});

it.each([
  '2026-02-30T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-01-01',
  '2026-01-01T00:00:00',
  '2026-01-01T24:00:01Z',
  '+275760-09-13T00:00:00Z',
  '0000-01-01T00:00:00Z',
  '0001-01-01T00:00:00+01:00',
  '9999-12-31T23:59:59-01:00',
  'now',
  '',
])('refuses the instant %j', (instant) => {
  expect(errorsOf(`/x?created[gt]=${encodeURIComponent(instant)}`)).toEqual([['created[gt]', 'malformed']]);
});

it.each(['2024-02-29T23:59:59.999999999Z', '2026-12-31T23:59:59-11:59'])('takes the instant %s', (instant) => {
  expect(read(`/x?created[gt]=${encodeURIComponent(instant)}`).filter.createdGt).toMatch(/^\d{4}-.*\.\d{3}Z$/);
});

function errorsOf(url: string): [string, string][] {
  return errorsIn(() => read(url));
}

function errorsIn(reading: () => unknown): [string, string][] {
  try {
    reading();
    return [];
  } catch (error) {
    return ((error as Problem).options.errors ?? [])
      .map(({ pointer, code }): [string, string] => [pointer, code])
      .sort();
  }
}
