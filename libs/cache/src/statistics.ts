import { METRICS } from '@payflow/contracts';
import { counter, gauge, histogram } from '@payflow/telemetry';
import type { AnsweredBy } from './family.js';

const requests = counter(METRICS.cacheRequests, 'Reads through a cache, by where they were answered.', [
  'cache',
  'answer',
] as const);
const evictions = counter(METRICS.cacheEvictions, 'Entries that had to make room in memory.', ['cache'] as const);
const errors = counter(METRICS.cacheErrors, 'What a cache could not do, by operation.', ['operation'] as const);
/** From a look into memory (microseconds) to a database in trouble. */
const BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
const loads = histogram(
  METRICS.cacheLoadSeconds,
  'What loading a value took, with the wait for its turn.',
  ['cache'] as const,
  BUCKETS,
);
const saved = histogram(
  METRICS.cacheSavedSeconds,
  'What an answer from the cache took less than loads take lately.',
  ['cache'] as const,
  BUCKETS,
);

/** What one family's memory holds. */
export interface Held {
  readonly entries: number;
  readonly bytes: number;
}

/** Of each family the newest cache: in tests, a process has several. */
const held = new Map<string, () => Held>();

const ANSWERS: readonly AnsweredBy[] = ['memory', 'redis', 'loaded', 'joined', 'stale', 'stale_on_error', 'absent'];
/** The weight of the newest load in what loads take lately. */
const NEWEST = 0.1;

/** One family's statistics. The labels are looked up once, as a read from memory costs less than that. */
export class Statistics {
  readonly #answers: Readonly<Record<AnsweredBy, { inc(): void }>>;
  readonly #loads;
  readonly #saved;
  readonly #evictions;
  #load_s = 0;

  constructor(cache: string, holds: () => Held) {
    this.#answers = Object.fromEntries(
      ANSWERS.map((answer) => [answer, requests.labels({ cache, answer })]),
    ) as unknown as Record<AnsweredBy, { inc(): void }>;
    this.#loads = loads.labels({ cache });
    this.#saved = saved.labels({ cache });
    this.#evictions = evictions.labels({ cache });
    held.set(cache, holds);
    measureMemory();
  }

  answered(by: AnsweredBy, took_ms = 0): void {
    this.#answers[by].inc();
    if (by === 'memory' || by === 'redis' || by === 'stale') this.#saved.observe(this.#load_s - took_ms / 1_000);
  }

  loaded(took_ms: number): void {
    const took_s = took_ms / 1_000;
    this.#loads.observe(took_s);
    this.#load_s = this.#load_s === 0 ? took_s : this.#load_s * (1 - NEWEST) + took_s * NEWEST;
  }

  evicted(): void {
    this.#evictions.inc();
  }

  failed(operation: 'load' | 'decode' | 'refresh' | 'warm'): void {
    errors.inc({ operation });
  }
}

function measureMemory(): void {
  gauge(METRICS.cacheEntries, 'Entries in memory.', ['cache'] as const, (metric) => {
    for (const [cache, holds] of held) metric.set({ cache }, holds().entries);
  });
  gauge(METRICS.cacheBytes, 'Bytes of the encoded values in memory.', ['cache'] as const, (metric) => {
    for (const [cache, holds] of held) metric.set({ cache }, holds().bytes);
  });
}
