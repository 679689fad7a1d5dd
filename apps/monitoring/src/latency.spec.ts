import { describe, expect, it } from 'vitest';
import { LATENCY_BOUNDS_MS, countLatency, emptyCounts, percentile } from './latency.js';

const histogramOf = (...latencies: number[]) => {
  const counts = emptyCounts();
  for (const latency of latencies) countLatency(counts, latency);
  return counts;
};

describe('the latency histogram', () => {
  it('has no percentile when it is empty', () => {
    expect(percentile(emptyCounts(), 0.5)).toBeNull();
  });

  it('puts a percentile within the bounds of its bucket', () => {
    const latencies = Array.from({ length: 1_000 }, (_, at) => at + 1);
    for (const share of [0.01, 0.5, 0.9, 0.99]) {
      const exact = share * 1_000;
      const [lower, upper] = [
        LATENCY_BOUNDS_MS.findLast((bound) => bound < exact) ?? 0,
        LATENCY_BOUNDS_MS.find((bound) => bound >= exact),
      ];
      const estimated = percentile(histogramOf(...latencies), share);
      expect(estimated).toBeGreaterThanOrEqual(lower);
      expect(estimated).toBeLessThanOrEqual(upper ?? Infinity);
    }
  });

  it('keeps what is above all bounds, and what a skewed clock made negative', () => {
    expect(percentile(histogramOf(90_000), 0.5)).toBe(60_000);
    expect(percentile(histogramOf(-5), 1)).toBe(1);
  });
});
