/** The latest of one look: more would tell nothing else. */
const KEPT_MAX = 512;

/** How long the latest waits took. Kept as numbers, and told to whoever counts them once a second: each wait is on a hot path. */
export class Waits {
  private readonly kept = new Float64Array(KEPT_MAX);
  private count = 0;

  add(wait_ms: number): void {
    this.kept[this.count++ % KEPT_MAX] = wait_ms;
  }

  /** Those since this was last asked, ascending, ms. */
  take(): Float64Array {
    const sorted = this.kept.slice(0, Math.min(this.count, KEPT_MAX)).sort();
    this.count = 0;
    return sorted;
  }
}

/** The 99th percentile of what {@link Waits} gave; 0 where there was nothing. */
export function p99(ascending: Float64Array): number {
  return ascending[Math.ceil(ascending.length * 0.99) - 1] ?? 0;
}
