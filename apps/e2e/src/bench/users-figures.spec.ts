import { describe, expect, it } from 'vitest';
import { figuresOf, KINDS, missedBy, type Asked } from './users-figures.js';

const many = (count: number, ms: number, kind: Asked['kind'] = 'accounts', failed = false): Asked[] =>
  Array.from({ length: count }, () => ({ kind, ms, failed }));

/** One of each kind that is quick. */
const ONE_EACH = KINDS.flatMap((kind) => many(1, 10, kind));

describe('the figures of users', () => {
  it('are all kept to where everything is quick', () => {
    const figures = figuresOf([...many(895, 10), ...many(100, 20, 'payments'), ...ONE_EACH], 5);
    expect(figures).toMatchObject({ per_second: 200, errors: 0, kinds: { payments: { count: 101, p95_ms: 20 } } });
    expect(missedBy(figures)).toEqual([]);
  });

  it.each<[string, Asked[], string]>([
    ['a slow kind', [...many(990, 10), ...many(10, 60, 'health')], 'health'],
    ['a slow twentieth', [...many(940, 10), ...many(60, 160, 'payments')], 'all, p95'],
    ['a slow hundredth', [...many(980, 10), ...many(20, 350)], 'all, p99'],
    ['errors', [...many(999, 10), ...many(1, 10, 'accounts', true)], 'errors 0.10 %'],
    ['too few', many(999, 10), '200 requests/s, not 200'],
    ['a kind that nobody asked for', many(1_000, 10), 'login: nobody asked'],
  ])('tell of %s', (_, asked, told) => {
    expect(missedBy(figuresOf(asked, 5)).join('; ')).toContain(told);
  });
});
