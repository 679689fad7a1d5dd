import { expect, it } from 'vitest';
import { Waits, p99 } from './waits.js';

it('tells the 99th percentile of what came since it was last asked', () => {
  const waits = new Waits();
  for (let wait = 200; wait >= 1; wait--) waits.add(wait);
  expect(p99(waits.take())).toBe(198);
  waits.add(7);
  expect(p99(waits.take())).toBe(7);
  expect(p99(waits.take())).toBe(0);
});

it('keeps the latest where there are many', () => {
  const waits = new Waits();
  for (let wait = 1; wait <= 10_000; wait++) waits.add(wait);
  expect([...waits.take()]).toEqual(Array.from({ length: 512 }, (_, at) => 10_000 - 511 + at));
});
