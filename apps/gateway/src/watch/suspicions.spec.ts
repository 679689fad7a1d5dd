import { expect, it } from 'vitest';
import { Tries } from './suspicions.js';

it('counts a thing once within a minute, for each who tries it', () => {
  const tries = new Tries(100);
  expect([
    tries.isNew('a', 'x', 0),
    tries.isNew('a', 'x', 1),
    tries.isNew('b', 'x', 1),
    tries.isNew('a', 'y', 1),
  ]).toEqual([true, false, true, true]);
  expect(tries.isNew('a', 'x', 60_000)).toBe(true);
});

it('remembers no more things than it takes to be suspicious', () => {
  const tries = new Tries(2);
  tries.isNew('a', 'x', 0);
  tries.isNew('a', 'y', 0);
  expect(tries.isNew('a', 'x', 0)).toBe(true);
});
