import { expect, it } from 'vitest';
import { etagOf, idempotencyKeyOf, ifVersionOf, isUnchanged, waitOf } from './headers.js';

it.each([['a'], ['~'.repeat(255)], ['!"#$%&()*+,-./:;<=>?@[]^_`{|}']])('takes the key %.20s', (key) => {
  expect(idempotencyKeyOf(key)).toBe(key);
});

it.each([
  ['none', undefined, 'idempotency_key_missing'],
  ['an empty one', '', 'idempotency_key_malformed'],
  ['256 characters', 'k'.repeat(256), 'idempotency_key_malformed'],
  ['a blank', 'a b', 'idempotency_key_malformed'],
  ['two, joined', 'a, a', 'idempotency_key_malformed'],
  ['a tab', 'a\tb', 'idempotency_key_malformed'],
  ['beyond ASCII', 'é', 'idempotency_key_malformed'],
])('refuses %s', (_what, key, code) => {
  expect(() => idempotencyKeyOf(key)).toThrow(expect.objectContaining({ code }) as Error);
});

it.each([
  [undefined, 2_000, undefined],
  ['', 2_000, undefined],
  ['respond-async', 2_000, undefined],
  ['wait=0', 0, 'wait=0'],
  ['wait=10', 10_000, 'wait=10'],
  ['Wait = 5', 5_000, 'wait=5'],
  ['wait="3"', 3_000, 'wait=3'],
  ['handling=lenient, wait=7; foo', 7_000, 'wait=7'],
] as const)('Prefer: %s', (header, wait_ms, applied) => {
  expect(waitOf(header)).toEqual({ wait_ms, applied });
});

it.each(['wait', 'wait=', 'wait=11', 'wait=-1', 'wait=1.5', 'wait=1, wait=1', 'wait=99999'])(
  'refuses Prefer: %s',
  (header) => {
    expect(() => waitOf(header)).toThrow(expect.objectContaining({ code: 'invalid_header' }) as Error);
  },
);

it.each([
  [undefined, false],
  ['W/"3"', true],
  ['"3"', true],
  ['*', true],
  ['W/"1", W/"3"', true],
  ['W/"33"', false],
  ['3', false],
])('If-None-Match: %s', (header, unchanged) => {
  expect(isUnchanged(header, 3)).toBe(unchanged);
  expect(isUnchanged(etagOf(3), 3)).toBe(true);
});

it.each([
  [undefined, null],
  ['*', null],
  ['W/"3"', 3],
  ['"3"', 3],
] as const)('If-Match: %s', (header, version) => {
  expect(ifVersionOf(header)).toBe(version);
});

it.each(['3', '', 'W/"x"', '"1", "2"', '"-1"', '"9999999999999999"'])('refuses If-Match: %s', (header) => {
  expect(() => ifVersionOf(header)).toThrow(expect.objectContaining({ code: 'invalid_header' }) as Error);
});
