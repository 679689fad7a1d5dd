/** The latest of one look: more would tell nothing else. */
const KEPT_MAX = 512;

/** How long the latest waits took, for their percentile. */
export class Waits {
  private readonly kept = new Float64Array(KEPT_MAX);
  private count = 0;

  add(wait_ms: number): void {
    this.kept[this.count++ % KEPT_MAX] = wait_ms;
  }

  /** The 99th percentile of the waits since this was last asked, ms; 0 where there were none. */
  takeP99(): number {
    const sorted = this.kept.slice(0, Math.min(this.count, KEPT_MAX)).sort();
    this.count = 0;
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
  }
}
