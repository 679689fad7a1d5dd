import { expect, it } from 'vitest';
import { Concurrency } from './concurrency.js';

/** A window of a server that does so much at once as usual, and the rest after it. */
function window(
  concurrency: Concurrency,
  { at_once, usual_ms, asked }: Record<'at_once' | 'usual_ms' | 'asked', number>,
) {
  const running = Math.min(asked, concurrency.limit);
  for (let at = 0; at < 20; at++) concurrency.note('write', usual_ms * Math.max(1, running / at_once));
  return concurrency.adjust(0);
}

it('begins with all that is allowed, and stays there while nothing is slow', () => {
  const concurrency = new Concurrency(1_024);
  for (let at = 0; at < 100; at++)
    expect(window(concurrency, { at_once: 100, usual_ms: 20, asked: 50 })).toBeUndefined();
  expect(concurrency.limit).toBe(1_024);
});

it('falls to what can be done at once, and rises again when more can', () => {
  const concurrency = new Concurrency(1_024);
  window(concurrency, { at_once: 200, usual_ms: 20, asked: 10 });
  const limits = Array.from({ length: 200 }, () => {
    window(concurrency, { at_once: 200, usual_ms: 20, asked: 2_000 });
    return concurrency.limit;
  });
  // Slow is three times the usual and 100 ms more: at 1,200 of them at once. With fewer it is not.
  expect(Math.min(...limits)).toBeGreaterThan(900);
  const fewer = Array.from({ length: 200 }, () => {
    window(concurrency, { at_once: 100, usual_ms: 20, asked: 2_000 });
    return concurrency.limit;
  });
  expect(Math.max(...fewer.slice(50))).toBeLessThan(800);
  expect(Math.min(...fewer)).toBeGreaterThanOrEqual(concurrency.min);
  for (let at = 0; at < 60; at++) window(concurrency, { at_once: 2_000, usual_ms: 20, asked: 2_000 });
  expect(concurrency.limit).toBe(1_024);
});

it('a late event loop lowers it, whatever is measured', () => {
  const concurrency = new Concurrency(100);
  expect(concurrency.adjust(51)).toEqual({ from: 100, to: 90, reason: 'event_loop' });
  expect(concurrency.adjust(50)).toEqual({ from: 90, to: 95, reason: 'recovered' });
});

it.each([
  [1_024, 512],
  [100, 50],
  [20, 16],
  [16, 16],
  [4, 4],
  [1, 1],
])('of %i there are never fewer than %i', (max, min) => {
  const concurrency = new Concurrency(max);
  for (let at = 0; at < 100; at++) concurrency.adjust(1_000);
  expect(concurrency.limit).toBe(min);
});

it('comes back from the fewest', () => {
  const concurrency = new Concurrency(20);
  for (let at = 0; at < 100; at++) concurrency.adjust(1_000);
  for (let at = 0; at < 4; at++) concurrency.adjust(0);
  expect(concurrency.limit).toBe(20);
});

it('holds each class against itself: other requests than before are no load', () => {
  const concurrency = new Concurrency(100);
  for (let at = 0; at < 20; at++) concurrency.note('read', 1);
  concurrency.adjust(0);
  for (let at = 0; at < 20; at++) concurrency.note('export', 900);
  expect(concurrency.adjust(0)).toBeUndefined();
  for (let at = 0; at < 20; at++) concurrency.note('read', 110);
  expect(concurrency.adjust(0)?.reason).toBe('latency');
});

it('does not judge by a few', () => {
  const concurrency = new Concurrency(100);
  for (let at = 0; at < 20; at++) concurrency.note('read', 1);
  concurrency.adjust(0);
  for (let at = 0; at < 9; at++) concurrency.note('read', 900);
  expect(concurrency.adjust(0)).toBeUndefined();
});
