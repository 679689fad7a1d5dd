import { newId } from '@payflow/contracts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countInFullestSpan, stretchesOf, type Looked } from './velocity.js';

describe('the fullest span around an instant', () => {
  it.each<[what: string, times: readonly number[], most: number]>([
    ['is empty where nothing is near', [], 0],
    ['reaches back to what is just within it', [0, 1, 50], 2],
    ['reaches on to what is just within it', [150, 199, 200], 2],
    ['has what came before or what came after, where both would be too long', [10, 20, 190, 195, 199], 3],
    ['has both where these are close to each other', [60, 90, 110, 140], 4],
    ['has what is of the same instant', [100, 100], 2],
  ])('%s', (_what, times, most) => {
    expect(countInFullestSpan(times, 100, 100)).toBe(most);
  });

  it('is what the slow way finds', () => {
    const instant = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(fc.array(instant, { maxLength: 30 }), instant, fc.integer({ min: 1, max: 20 }), (times, at, span) => {
        const ends = Array.from({ length: span }, (_, later) => at + later);
        const counts = ends.map((end) => times.filter((one) => one > end - span && one <= end).length);
        expect(countInFullestSpan(times, at, span)).toBe(Math.max(...counts));
      }),
    );
  });
});

it('payments of a second are looked for together, and a late one alone', () => {
  const window = { tenant: newId('tenant'), livemode: false, by: newId('limit'), subject: '*', start_ms: 0 };
  const at = (at_ms: number, more: Partial<Looked> = {}): Looked => ({
    ...{ ...window, at_ms, span_ms: 60_000, count_max: 5 },
    ...more,
  });
  const stretches = stretchesOf([
    at(90_500),
    at(7),
    at(90_000),
    at(91_000),
    at(91_001),
    at(90_001, { subject: 'other' }),
  ]);
  expect([...stretches.values()].map((each) => each.map(({ first_ms, last_ms }) => [first_ms, last_ms]))).toEqual([
    [
      [7, 7],
      [90_000, 91_000],
      [91_001, 91_001],
    ],
    [[90_001, 90_001]],
  ]);
});
