import { closeSync, openSync, readdirSync } from 'node:fs';
import { Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { collectProcessMetrics } from './process-metrics.js';

it('counts what is open without listing it', async () => {
  const registry = new Registry();
  collectProcessMetrics(registry);
  const told = async () => Number(/^process_open_fds (\d+)$/m.exec(await registry.metrics())?.[1]);
  const opened = Array.from({ length: 50 }, () => openSync(import.meta.filename, 'r'));
  const listed = readdirSync('/proc/self/fd').length - 1;
  const before = await told();
  expect(Math.abs(before - listed)).toBeLessThan(10);
  for (const descriptor of opened) closeSync(descriptor);
  expect(before - (await told())).toBeGreaterThan(40);
  const names = (await registry.getMetricsAsJSON()).map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds']));
  expect(names.filter((name) => name.startsWith('nodejs_active_'))).toEqual([]);
});
