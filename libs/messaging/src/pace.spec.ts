import { expect, it } from 'vitest';
import { Pace } from './pace.js';

const OPTIONS = { quiet_per_s: 60, gather_ms_per_rate: 0.2, gather_ms_max: 80 };

/** Batches of so many members, one every so many milliseconds, for so long; then how long the next one may gather. */
function restAfter({ members, every_ms, for_ms }: { members: number; every_ms: number; for_ms: number }): number {
  const pace = new Pace(OPTIONS);
  for (let now_ms = 0; now_ms <= for_ms; now_ms += every_ms) pace.begin(members, now_ms);
  return pace.rest_ms(for_ms - (for_ms % every_ms));
}

it.each([
  ['a first message', { members: 1, every_ms: 10_000, for_ms: 0 }, 0],
  ['a quiet partition', { members: 1, every_ms: 20, for_ms: 5_000 }, 0],
  ['a busier one', { members: 2, every_ms: 10, for_ms: 5_000 }, 28],
  ['a busy one, up to the most', { members: 50, every_ms: 50, for_ms: 5_000 }, 80],
])('%s', (_, load, expected_ms) => {
  expect(restAfter(load)).toBeCloseTo(expected_ms, 0);
});

it('counts the time that the batch itself has taken', () => {
  const pace = new Pace(OPTIONS);
  for (let now_ms = 0; now_ms <= 5_000; now_ms += 10) pace.begin(2, now_ms);
  expect(pace.rest_ms(5_020)).toBeCloseTo(8, 0);
  expect(pace.rest_ms(5_040)).toBe(0);
});

it('forgets a burst within seconds', () => {
  const pace = new Pace(OPTIONS);
  for (let now_ms = 0; now_ms <= 2_000; now_ms += 10) pace.begin(10, now_ms);
  pace.begin(1, 7_000);
  expect(pace.rest_ms(7_000)).toBe(0);
});
