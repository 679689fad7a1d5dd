import { expect, it } from 'vitest';
import { Timeline } from './timeline.js';

const timeline = (...samples: [at_ms: number, position: bigint][]): Timeline => {
  const made = new Timeline();
  for (const sample of samples) made.add(...sample);
  return made;
};

it('tells how old an answer is at most', () => {
  const busy = timeline([100, 10n], [200, 20n], [300, 30n]);
  expect([30n, 29n, 20n, 10n, 9n].map((replayed) => busy.staleness(replayed, 350))).toEqual([
    50,
    150,
    150,
    250,
    Infinity,
  ]);
});

it('does not take an idle primary for a replica that lags', () => {
  expect(timeline([100, 10n], [200, 10n], [300, 10n]).staleness(10n, 310)).toBe(10);
});

it('knows nothing before it was told', () => {
  expect(new Timeline().staleness(10n, 0)).toBe(Infinity);
  expect(new Timeline().behind(10n)).toBe(0);
});

it('does not go back for an answer that came late', () => {
  const late = timeline([100, 10n], [300, 30n], [200, 20n], [400, 5n]);
  expect(late.staleness(20n, 400)).toBe(300);
  expect(late.behind(20n)).toBe(10);
});

it('forgets what is too old for any read', () => {
  const long = new Timeline();
  for (let at = 0; at < 2_000; at++) long.add(at, BigInt(at));
  expect(long.staleness(10n, 2_000)).toBe(Infinity);
  expect(long.staleness(1_990n, 2_000)).toBe(10);
});
