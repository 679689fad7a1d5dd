import { expect, it } from 'vitest';
import { effortAfter } from './effort.js';

it.each([
  ['full', 0, 'full'],
  ['full', 19, 'full'],
  ['full', 20, 'low'],
  ['low', 500, 'low'],
  ['low', 9, 'low'],
  ['low', 8, 'full'],
] as const)('goes from %s, with a loop that is %d ms late, to %s', (before, late_ms, after) => {
  expect(effortAfter(before, late_ms)).toBe(after);
});
