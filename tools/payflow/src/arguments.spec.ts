import { describe, expect, it } from 'vitest';
import { parseInstant, parsePartitions } from './arguments.js';

describe('an instant', () => {
  it.each([
    ['2026-11-21T08:00:00Z', '2026-11-21T08:00:00.000Z'],
    ['2026-11-21T08:00Z', '2026-11-21T08:00:00.000Z'],
    ['2026-11-21T08:00:00.5+01:00', '2026-11-21T07:00:00.500Z'],
  ])('is %s', (text, instant) => {
    expect(parseInstant(text).toISOString()).toBe(instant);
  });

  it.each([
    '1',
    '5',
    '2026',
    'yesterday',
    '2026-11-21',
    '2026-11-21T08:00:00',
    '2026-02-30T00:00:00Z',
    '2026-11-21T25:00Z',
  ])('is not %s', (text) => {
    expect(() => parseInstant(text)).toThrow('an instant such as');
  });
});

it('takes a partition that is named twice for one', () => {
  expect(parsePartitions('0,2,0')).toEqual([0, 2]);
});
