import { expect, it } from 'vitest';
import { LATENCY_BOUNDS_MS } from '../latency.js';
import { minutesOf } from './payment-events.handler.js';

const event = (status: string, created_at: string, updated_at: string) =>
  ({ data: { status, created_at, updated_at } }) as unknown as Parameters<typeof minutesOf>[0][number];

it('gathers a batch by minute and status', () => {
  const minutes = minutesOf([
    event('succeeded', '2026-11-21T07:59:59.990Z', '2026-11-21T08:00:00.000Z'),
    event('succeeded', '2026-11-21T08:00:59.000Z', '2026-11-21T08:00:59.999Z'),
    event('failed', '2026-11-21T08:00:30.000Z', '2026-11-21T08:00:30.001Z'),
    event('succeeded', '2026-11-21T08:00:59.999Z', '2026-11-21T08:01:00.000Z'),
  ]);
  expect(minutes.map(({ minute, status, payments }) => `${minute.toISOString()} ${status} ${payments}`)).toEqual([
    '2026-11-21T08:00:00.000Z succeeded 2',
    '2026-11-21T08:00:00.000Z failed 1',
    '2026-11-21T08:01:00.000Z succeeded 1',
  ]);
  const [first] = minutes;
  expect(first?.latencyCounts.flatMap((count, at) => (count > 0 ? [LATENCY_BOUNDS_MS[at]] : []))).toEqual([10, 1_000]);
});
