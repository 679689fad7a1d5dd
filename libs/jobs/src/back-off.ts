/** The library waits e^n seconds after the n-th run that failed, and no longer than after this one: 6 hours. */
const EXPONENT_MAX = 10;
const MS_PER_S = 1_000;

/**
 * What is added to the library's own wait before the next run, ms: between nothing and as much again, so that jobs that failed
 * together, because what they all need was away, do not come back together. `random`: 0 to 1.
 */
export function retryJitter_ms(attempt: number, random: number): number {
  return Math.floor(Math.exp(Math.min(attempt, EXPONENT_MAX)) * MS_PER_S * random);
}
