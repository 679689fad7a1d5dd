import { describe, expect, it } from 'vitest';
import { SlidingCount } from './sliding-count.js';

const WINDOW_MS = 60_000;
const count = (limit: number) => new SlidingCount('someone', limit, WINDOW_MS);
const takes = (of: SlidingCount, now: number, times: number) =>
  Array.from({ length: times }, () => of.take(now)).filter(({ allowed }) => allowed).length;

describe('a sliding count', () => {
  it('allows exactly its limit while nothing is settled', () => {
    const of = count(3);
    expect([of.take(0), of.take(0), of.take(0), of.take(0)]).toEqual([
      { allowed: true, left: 2, wait_ms: 0 },
      { allowed: true, left: 1, wait_ms: 0 },
      { allowed: true, left: 0, wait_ms: 0 },
      { allowed: false, left: 0, wait_ms: 1_000 },
    ]);
  });

  it('counts what others have used', () => {
    const of = count(10);
    expect(of.begin(0)).toEqual({ counted: 0, known: 0 });
    of.settle(0, { used: 8, wait_ms: 0 });
    expect(takes(of, 0, 5)).toBe(2);
  });

  it('goes on counting what is being settled', () => {
    const of = count(10);
    takes(of, 0, 6);
    expect(of.begin(0)).toEqual({ counted: 6, known: 0 });
    expect(takes(of, 0, 10)).toBe(4);
    of.settle(0, { used: 6, wait_ms: 0 });
    expect(of.used(0)).toBe(10);
    expect(of.begin(0)).toEqual({ counted: 4, known: 6 });
  });

  it('holds a limit that was reached until one more is allowed, and allows one until it knows more', () => {
    const of = count(5);
    of.settle(0, { used: 7, wait_ms: 30_000 });
    expect(of.take(10_000)).toEqual({ allowed: false, left: 0, wait_ms: 20_000 });
    expect(takes(of, 30_000, 3)).toBe(1);
  });

  it('forgets a limit that was reached long ago', () => {
    const of = count(5);
    of.settle(0, { used: 7, wait_ms: 30_000 });
    expect(takes(of, 30_000 + WINDOW_MS, 9)).toBe(5);
  });

  it('lets what was used leave the window', () => {
    const of = count(100);
    of.settle(0, { used: 80, wait_ms: 0 });
    expect([of.used(0), of.used(WINDOW_MS / 2), of.used(WINDOW_MS)]).toEqual([80, 40, 0]);
  });

  it('is due soon near its limit, and else once in a while', () => {
    const of = count(10);
    of.settle(0, { used: 0, wait_ms: 0 });
    of.take(1);
    expect([of.isDue(1, 1_000), of.isDue(1_000, 1_000)]).toEqual([false, true]);
    takes(of, 1, 4);
    expect(of.isDue(1, 1_000)).toBe(true);
  });
});
