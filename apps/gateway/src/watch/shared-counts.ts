import { METRICS } from '@payflow/contracts';
import { gauge } from '@payflow/telemetry';
import { LRUCache } from 'lru-cache';
import type { RateStore } from './rate-store.js';
import { SlidingCount, type Taken } from './sliding-count.js';

/** More subjects than that are forgotten again, the one that was not asked for the longest first: they are below their limits. */
const SUBJECTS_MAX = 20_000;
/** In one round, so that Redis is never asked for more than it answers within its time; the others' turn comes in the next. */
const SETTLED_AT_ONCE_MAX = 500;
/** How often a count that is far from its limit is settled. */
const LAZY_MS = 1_000;

const counts = gauge(METRICS.rateCounts, 'Subjects whose requests are counted now, by limit.', ['limit'] as const);

/**
 * Counts by subject that several processes share. Each decides by itself, at once, by what was settled last and what it has
 * counted since; {@link settle} brings them together. So a limit can be exceeded by what the other processes let in between two
 * rounds, near the limit a tenth of a second, and never because of Redis.
 */
export class SharedCounts {
  readonly #touched = new Set<SlidingCount>();
  readonly #counts = new LRUCache<string, SlidingCount>({
    max: SUBJECTS_MAX,
    dispose: (count) => this.#touched.delete(count),
  });

  constructor(
    readonly name: string,
    readonly limit: number,
    readonly window_ms: number,
    private readonly store: RateStore,
  ) {}

  take(subject: string, now: number): Taken {
    const count = this.#of(subject);
    this.#touched.add(count);
    return count.take(now);
  }

  /** Takes back one that was counted. */
  giveBack(subject: string): void {
    const count = this.#counts.get(subject);
    if (!count) return;
    this.#touched.add(count);
    count.giveBack();
  }

  /** One round: brings together what has changed and is due. Resolves when it is. */
  async settle(now: number): Promise<void> {
    const due: SlidingCount[] = [];
    for (const count of this.#touched) {
      if (due.length === SETTLED_AT_ONCE_MAX) break;
      if (count.isDue(now, LAZY_MS)) due.push(count);
    }
    for (const count of due) this.#touched.delete(count);
    await Promise.all(due.map((count) => this.#settleOne(count)));
    counts.set({ limit: this.name }, this.#counts.size);
  }

  async #settleOne(count: SlidingCount): Promise<void> {
    const { counted, known } = count.begin(performance.now());
    const settled = await this.store.settle(count.subject, counted, known);
    count.settle(performance.now(), settled);
  }

  #of(subject: string): SlidingCount {
    const known = this.#counts.get(subject);
    if (known) return known;
    const made = new SlidingCount(subject, this.limit, this.window_ms);
    this.#counts.set(subject, made);
    return made;
  }
}
