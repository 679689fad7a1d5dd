/** Upper bounds of the latency histogram, ms; a last count is for everything above. Appended to only: rows hold counts by index. */
export const LATENCY_BOUNDS_MS = [
  1, 2, 3, 5, 7, 10, 15, 20, 30, 50, 70, 100, 150, 200, 300, 500, 700, 1_000, 1_500, 2_000, 3_000, 5_000, 7_000, 10_000,
  15_000, 30_000, 60_000,
] as const;

export function emptyCounts(): number[] {
  return new Array<number>(LATENCY_BOUNDS_MS.length + 1).fill(0);
}

export function countLatency(counts: number[], latency_ms: number): void {
  const at = LATENCY_BOUNDS_MS.findIndex((bound) => latency_ms <= bound);
  const bucket = at < 0 ? LATENCY_BOUNDS_MS.length : at;
  counts[bucket] = (counts[bucket] ?? 0) + 1;
}

/** The percentile (0 to 1) of a histogram in ms, linear within its bucket; the last bound for what lies above it; null when empty. */
export function percentile(counts: readonly number[], share: number): number | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  let below = 0;
  for (const [at, count] of counts.entries()) {
    if (count > 0 && below + count >= share * total) {
      const lower = LATENCY_BOUNDS_MS[at - 1] ?? 0;
      const upper = LATENCY_BOUNDS_MS[at] ?? lower;
      return lower + (upper - lower) * ((share * total - below) / count);
    }
    below += count;
  }
  return null;
}
