import { describe, expect, it } from 'vitest';

import { timelineOf } from './timeline.mjs';

const span = (startTime, duration) => ({ startTime, duration });

describe('timelineOf', () => {
  it('is even where there is no long pause', () => {
    const { position, cuts } = timelineOf([span(0, 100), span(20, 10), span(110, 90)]);
    expect([position(0), position(100), position(200)]).toEqual([0, 0.5, 1]);
    expect(cuts).toEqual([]);
  });

  it('cuts a pause out that is longer than half the working time', () => {
    const { position, cuts } = timelineOf([span(0, 40), span(2_000, 20)]);
    expect(cuts).toHaveLength(1);
    expect(position(40)).toBeCloseTo(0.63, 2);
    expect(position(2_000)).toBeCloseTo(0.69, 2);
    expect(position(2_020)).toBe(1);
  });

  it('takes spans without duration', () => {
    expect(timelineOf([span(5, 0)]).position(5)).toBe(0);
  });
});
