import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { effortAfter, Efforts } from './effort.js';

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

it('is low while the event loop of this process is late', async () => {
  const efforts = new Efforts();
  efforts.open();
  try {
    for (const until = performance.now() + 1_200; performance.now() < until; await setImmediate())
      for (const turn = performance.now() + 40; performance.now() < turn;);
    expect(efforts.now).toBe('low');
  } finally {
    efforts.close();
  }
});
