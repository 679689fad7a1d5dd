import { expect, it } from 'vitest';
import { Waits } from './waits.js';

it('tells the 99th percentile of what came since it was last asked', () => {
  const waits = new Waits();
  for (let wait = 1; wait <= 200; wait++) waits.add(wait);
  expect(waits.takeP99()).toBe(198);
  waits.add(7);
  expect(waits.takeP99()).toBe(7);
  expect(waits.takeP99()).toBe(0);
});

it('keeps the latest where there are many', () => {
  const waits = new Waits();
  for (let wait = 1; wait <= 10_000; wait++) waits.add(wait);
  expect(waits.takeP99()).toBeGreaterThan(9_900);
});
