import { keyOfWindow, type Window } from './windows.js';

/** A payment as a velocity looks at it: when it was, how long a span is, and how many of these it must see at most. */
export interface Looked extends Window {
  readonly at_ms: number;
  readonly span_ms: number;
  readonly count_max: number;
}

/** Payments of one velocity that came close to each other: what they have to see is read once. */
export interface Stretch extends Window {
  readonly first_ms: number;
  readonly last_ms: number;
  readonly span_ms: number;
  readonly count_max: number;
}

/** Between the first and the last of a stretch all is read, however many there are. */
const STRETCH_MS = 1_000;

/**
 * How many of the instants lie together in the fullest span that has `at_ms` in it, that one not counted. Of a payment that comes
 * in order it is the span that ends with it; of a late one, which others have overtaken, any that it would be too many in.
 */
export function countInFullestSpan(times: readonly number[], at_ms: number, span_ms: number): number {
  const near = times.filter((other) => Math.abs(other - at_ms) < span_ms);
  const later = near.filter((other) => other > at_ms);
  if (later.length === 0) return near.length;
  const sorted = near.toSorted((a, b) => a - b);
  let most = 0;
  let first = 0;
  let end = 0;
  for (const last of [at_ms, ...sorted.slice(sorted.length - later.length)]) {
    while (end < sorted.length && (sorted[end] as number) <= last) end += 1;
    while (first < end && (sorted[first] as number) <= last - span_ms) first += 1;
    most = Math.max(most, end - first);
  }
  return most;
}

/** What has to be read for them, by window: nearly always one stretch of each. */
export function stretchesOf(looked: readonly Looked[]): Map<string, Stretch[]> {
  const stretches = new Map<string, Stretch[]>();
  for (const { at_ms, ...window } of looked.toSorted((a, b) => a.at_ms - b.at_ms)) {
    const key = keyOfWindow(window);
    const known = stretches.get(key) ?? [];
    const last = known.at(-1);
    if (last && at_ms - last.first_ms <= STRETCH_MS) known.splice(-1, 1, { ...last, last_ms: at_ms });
    else known.push({ ...window, first_ms: at_ms, last_ms: at_ms });
    stretches.set(key, known);
  }
  return stretches;
}
