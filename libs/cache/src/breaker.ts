/** Failures in a row after which Redis is left alone for a while. */
const FAILURES_MAX = 5;
/** How long it is left alone before one call tries again, ms. */
const OPEN_MS = 1_000;

/**
 * closed → (five failures in a row) → open → (after 1 s) → half-open: one call tries → closed, or open again.
 * Times are milliseconds of a clock that never goes back.
 */
export class Breaker {
  #failures = 0;
  #openUntil = 0;

  /** True when a call may be tried now. Of the callers that find the breaker half-open, the first alone gets true. */
  admits(now: number): boolean {
    if (this.#failures < FAILURES_MAX) return true;
    if (now < this.#openUntil) return false;
    this.#openUntil = now + OPEN_MS;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(now: number): void {
    this.#failures++;
    if (this.#failures >= FAILURES_MAX) this.#openUntil = now + OPEN_MS;
  }
}
