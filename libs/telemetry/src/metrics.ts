import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import { collectProcessMetrics } from './process-metrics.js';

export type { Counter, Gauge, Histogram };

const registry = new Registry();
collectProcessMetrics(registry);

/** From 1 ms (a cached read) to 10 s (the longest `Prefer: wait`), seconds. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The counter of that name in this process's registry; made at the first call. */
export function counter<L extends string>(name: string, help: string, labelNames: readonly L[] = []): Counter<L> {
  return existing<Counter<L>>(name) ?? new Counter({ name, help, labelNames: [...labelNames], registers: [registry] });
}

/**
 * The gauge of that name in this process's registry; made at the first call. `collect` sets it at every scrape, for what
 * is cheaper to read then than to keep up to date.
 */
export function gauge<L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[] = [],
  collect?: (metric: Gauge<L>) => void,
): Gauge<L> {
  const known = existing<Gauge<L>>(name);
  if (known) return known;
  const made: Gauge<L> = new Gauge({
    name,
    help,
    labelNames: [...labelNames],
    registers: [registry],
    ...(collect ? { collect: () => collect(made) } : {}),
  });
  return made;
}

/** The histogram of that name in this process's registry; made at the first call. `buckets`: upper bounds, seconds by default. */
export function histogram<L extends string>(
  name: string,
  help: string,
  labelNames: readonly L[] = [],
  buckets: readonly number[] = DURATION_BUCKETS,
): Histogram<L> {
  return (
    existing<Histogram<L>>(name) ??
    new Histogram({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [registry] })
  );
}

/** All metrics of this process in Prometheus' text format. */
export async function renderMetrics(): Promise<{ contentType: string; body: string }> {
  return { contentType: registry.contentType, body: await registry.metrics() };
}

function existing<M extends Metric>(name: string): M | undefined {
  return registry.getSingleMetric(name) as M | undefined;
}
