import { SERVICES } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { CheckResults } from '@payflow/invariants';
import { configureLogging } from '@payflow/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Readable } from './sampling/self-reader.js';
import { Watch } from './watch.js';

beforeEach(() => {
  configureLogging({ level: 'silent' });
  vi.useFakeTimers({ now: Date.parse('2026-11-21T08:00:30Z') });
});
afterEach(() => vi.useRealTimers());

const never = new Promise<never>(() => undefined);

it('goes on telling of the others while its own database stands still', async () => {
  const ready = (service: Readable['service']): Readable => ({
    service,
    readiness: async () => ({ status: 'ready', reasons: [] }),
    positions: () => (service === 'monitoring' ? never : Promise.resolve([])),
    invariants: async () => [],
    metrics: async () => '',
    statements: () => never,
    databaseReport: () => never,
    tallies: () => never,
  });
  // It was there at the start, and is silent from then on.
  const database = { rows: async () => [], transaction: () => never, count: () => never };
  const watch = new Watch({
    database: database as unknown as Database,
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults(['I11', 'I21']),
    readers: SERVICES.map(ready),
    acknowledged: { look: () => never },
    partitions: 'single',
  });
  await watch.start();
  const seen = new Set<string>();
  // The minute ends within.
  for (let second = 0; second < 60; second++) {
    await vi.advanceTimersByTimeAsync(1_000);
    seen.add(watch.health().status);
  }
  expect([...seen]).toEqual(['degraded']);
});
