import { describe, expect, it } from 'vitest';
import { lagOf, remember, type HighWatermark } from './lag.js';

const looks = (...pairs: [number, number][]): HighWatermark[] =>
  pairs.reduce<HighWatermark[]>((history, [s, high]) => remember(history, { at_ms: s * 1_000, high }), []);

describe('lag', () => {
  it('is none for a reader at the end, or past a look that is a little old', () => {
    expect(lagOf(looks([0, 10]), 10, 5_000)).toEqual({ messages: 0, seconds: 0, atLeast: false });
    expect(lagOf(looks([0, 10]), 12, 5_000)).toMatchObject({ messages: 0, seconds: 0 });
  });

  it('is as old as the oldest unread record, between the looks around it', () => {
    const history = looks([0, 100], [10, 200], [20, 300]);
    expect(lagOf(history, 200, 25_000)).toEqual({ messages: 100, seconds: 15, atLeast: false });
    expect(lagOf(history, 250, 25_000)).toEqual({ messages: 50, seconds: 10, atLeast: false });
    expect(lagOf(history, 100, 25_000)).toEqual({ messages: 200, seconds: 25, atLeast: false });
  });

  it('is at least as old as the first look when it began before', () => {
    expect(lagOf(looks([10, 100], [20, 100]), 40, 30_000)).toEqual({ messages: 60, seconds: 20, atLeast: true });
  });

  it('grows while nothing is read and nothing comes', () => {
    const history = looks([0, 5], [2, 6], [4, 6], [6, 6], [8, 6]);
    expect(history).toHaveLength(3);
    expect(lagOf(history, 5, 8_000).seconds).toBe(8);
  });

  it('starts anew with a log that was wiped, and keeps half an hour', () => {
    expect(looks([0, 100], [2, 7])).toHaveLength(1);
    expect(
      looks(...Array.from({ length: 2_000 }, (_, at): [number, number] => [at * 2, at])).length,
    ).toBeLessThanOrEqual(901);
  });
});
