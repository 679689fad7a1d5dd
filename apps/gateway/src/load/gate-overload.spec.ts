import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { TRAFFIC_CLASSES, type TrafficClass } from '../http/edge/traffic.js';
import { Gate } from './gate.js';

/** Of a hundred: more payments than can be taken, some of everything else, and as many refunds as there would be. */
const MIX: Readonly<Record<TrafficClass, number>> = { critical: 5, write: 75, read: 10, export: 10 };
const SECONDS = 20;
const QUEUE = 64;
/** A refusal is due within 50 ms; what is left is for the way here and back. */
const SHED_WITHIN_MS = 30;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

interface Load {
  readonly workers: number;
  readonly work_ms: number;
  readonly times_capacity: number;
  readonly mix?: Readonly<Partial<Record<TrafficClass, number>>>;
}

interface Told {
  readonly traffic: TrafficClass;
  readonly isServed: boolean;
  readonly after_ms: number;
}

/** Requests that come by chance, as many as is said, to workers that take a while for each. */
function play({ workers, work_ms, times_capacity, mix = MIX }: Load): readonly Told[] {
  const told: Told[] = [];
  const gate = new Gate({ workers_max: workers, waiting_max: QUEUE, clock: () => Date.now() });
  const random = chance(7);
  const rate_per_ms = (workers / work_ms) * times_capacity;
  const end_ms = Date.now() + SECONDS * 1_000;
  let next_ms = Date.now();
  const ask = (): void => {
    const traffic = oneOf(mix, random());
    const since_ms = Date.now();
    const tell = (isServed: boolean) => told.push({ traffic, isServed, after_ms: Date.now() - since_ms });
    const begin = (): void => {
      tell(true);
      // As in a queue of requests that differ: some take little, some seven times as long.
      setTimeout(() => gate.leave(traffic), work_ms * (0.25 + 1.5 * random()));
    };
    if (gate.turnAway(traffic)) tell(false);
    else if (gate.enter(traffic)) begin();
    else gate.wait(traffic, begin, () => tell(false));
  };
  const come = (): void => {
    for (; next_ms <= Date.now(); next_ms += -Math.log(1 - random()) / rate_per_ms) ask();
    if (next_ms < end_ms) setTimeout(come, next_ms - Date.now());
  };
  come();
  vi.advanceTimersByTime((SECONDS + 5) * 1_000);
  return told;
}

function oneOf(mix: Readonly<Partial<Record<TrafficClass, number>>>, chance: number): TrafficClass {
  let left = chance * TRAFFIC_CLASSES.reduce((sum, traffic) => sum + (mix[traffic] ?? 0), 0);
  return TRAFFIC_CLASSES.find((traffic) => (left -= mix[traffic] ?? 0) < 0) ?? 'write';
}

/** Numbers from 0 to 1 by chance, the same in each run. */
function chance(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

function share(told: readonly Told[], traffic: TrafficClass): number {
  const asked = told.filter((one) => one.traffic === traffic);
  return asked.filter(({ isServed }) => isServed).length / asked.length;
}

function shedAfter_ms(told: readonly Told[], part: number): number {
  const sorted = told
    .filter(({ isServed }) => !isServed)
    .map(({ after_ms }) => after_ms)
    .toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length * part)] ?? 0;
}

const done = (told: readonly Told[]): number => told.filter(({ isServed }) => isServed).length;

describe.each([
  { workers: 1, work_ms: 10 },
  { workers: 2, work_ms: 12 },
  { workers: 2, work_ms: 60 },
  { workers: 2, work_ms: 200 },
  { workers: 16, work_ms: 40 },
])('$workers workers that take $work_ms ms', (few) => {
  const capacity = (few.workers / few.work_ms) * 1_000 * SECONDS;

  it('asked for three times what they can do, do what they can, the important first, and tell the others soon', () => {
    const told = play({ ...few, times_capacity: 3 });
    expect(done(told) / capacity).toBeGreaterThan(0.85);
    expect(share(told, 'critical')).toBeGreaterThan(0.99);
    expect(share(told, 'write')).toBeGreaterThan(share(told, 'read'));
    expect(share(told, 'read')).toBeLessThan(0.25);
    expect(shedAfter_ms(told, 0.98)).toBeLessThanOrEqual(SHED_WITHIN_MS);
  });

  it('hardly send anybody away while they are asked for half of it', () => {
    const told = play({ ...few, times_capacity: 0.5 });
    expect(done(told) / told.length).toBeGreaterThan(0.85);
  });

  it.each(['critical', 'write'] as const)('asked for too much of nothing but %s, tell it soon as well', (traffic) => {
    const told = play({ ...few, times_capacity: 3, mix: { [traffic]: 1 } });
    expect(done(told) / capacity).toBeGreaterThan(0.85);
    expect(shedAfter_ms(told, 0.9)).toBeLessThanOrEqual(SHED_WITHIN_MS);
  });
});
