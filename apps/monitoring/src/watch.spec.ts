import { SERVICES } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { CheckResults } from '@payflow/invariants';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Readable } from './sampling/self-reader.js';
import { Watch } from './watch.js';

beforeEach(() => {
  configureLogging({ level: 'silent' });
  vi.useFakeTimers({ now: Date.parse('2026-11-21T08:00:30Z') });
});
afterEach(() => vi.useRealTimers());

const never = new Promise<never>(() => undefined);

const answering = (service: Readable['service']): Readable => ({
  service,
  readiness: async () => ({ status: 'ready', reasons: [] }),
  positions: async () => [],
  invariants: async () => [],
  metrics: async () => '',
  statements: () => never,
  databaseReport: () => never,
  tallies: () => never,
});

it('goes on telling of the others while its own database stands still', async () => {
  const ready = (service: Readable['service']): Readable =>
    service === 'monitoring' ? { ...answering(service), positions: () => never } : answering(service);
  // It was there at the start, and is silent from then on.
  const database = { rows: async () => [], transaction: () => never, count: () => never };
  const watch = watchOf(SERVICES.map(ready), database, ['I11', 'I21']);
  await watch.start();
  const seen = new Set<string>();
  // The minute ends within.
  for (let second = 0; second < 60; second++) {
    await vi.advanceTimersByTimeAsync(1_000);
    seen.add(watch.health().status);
  }
  expect([...seen]).toEqual(['degraded']);
});

function watchOf(
  readers: readonly Readable[],
  database: object,
  checked: ConstructorParameters<typeof CheckResults>[0] = [],
): Watch {
  return new Watch({
    database: database as unknown as Database,
    messaging: { admin: () => Promise.reject(new Error('no broker here')) },
    results: new CheckResults(checked),
    readers,
    acknowledged: { look: () => never },
    partitions: 'single',
  });
}

/** Nothing of what was written down can be read. */
function withoutDatabase(readers: readonly Readable[]): Watch {
  const away = () =>
    Promise.reject(Object.assign(new Error('connect ECONNREFUSED'), { cause: { code: 'ECONNREFUSED' } }));
  const database = { rows: away, transaction: away, count: away, reading: () => database };
  return watchOf(readers, database);
}

it('tells what the others say of themselves while its own database is away, and why it has no more', async () => {
  const report: Awaited<ReturnType<Readable['databaseReport']>> = {
    ...{ at: '2026-11-21T08:00:00.000Z', counted_since: '2026-11-20T08:00:00.000Z', uncounted: null },
    ...{ bytes: 1, tables: [], advice: [] },
  };
  const watch = withoutDatabase(
    SERVICES.map((service) => ({ ...answering(service), databaseReport: async () => report })),
  );
  const summary = await watch.summary();
  expect(summary.throughput).toMatchObject({ minutes: [], reason: 'ECONNREFUSED' });
  expect(summary.outbox).toHaveLength(SERVICES.length);
  const databases = await watch.databases();
  expect(databases).toMatchObject({ advice_count: 0, busiest_reason: 'ECONNREFUSED' });
  expect(databases.services).toEqual(SERVICES.map((service) => ({ service, reason: null, ...report })));
});

it('counts a service that is degraded among those that do their work', async () => {
  const statuses = { gateway: 'ready', payments: 'degraded', ledger: 'unavailable' } as const;
  const readers = (Object.keys(statuses) as (keyof typeof statuses)[]).map((service) => ({
    ...answering(service),
    readiness: async () => ({ status: statuses[service], reasons: [] }),
  }));
  const database = { rows: async () => [], transaction: () => never, count: async () => 0 };
  const watch = watchOf(readers, database);
  await watch.start();
  await vi.advanceTimersByTimeAsync(1_000);
  const { body } = await renderMetrics();
  expect(body.match(/^payflow_service_ready.*$/gm)).toEqual(
    expect.arrayContaining([
      'payflow_service_ready{service="gateway"} 1',
      'payflow_service_ready{service="payments"} 1',
      'payflow_service_ready{service="ledger"} 0',
    ]),
  );
});
