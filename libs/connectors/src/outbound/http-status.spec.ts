import { expect, it } from 'vitest';
import { silence_ms } from './http-status.js';

const NOW = Date.parse('2026-10-21T07:27:48Z');

it.each([
  ['7', 7_000],
  ['Wed, 21 Oct 2026 07:28:00 GMT', 12_000],
  ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ['86400', 60_000],
  ['Thu, 22 Oct 2026 07:28:00 GMT', 60_000],
  ['soon', 0],
  ['', 0],
  [undefined, 0],
])('a provider that says Retry-After: %s is left alone for %s ms', (said, expected) => {
  expect(silence_ms(said, NOW)).toBe(expected);
});
