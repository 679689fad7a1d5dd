/**
 * Lets one of many equal reports through per interval and counts the rest, so that an outage is told once a minute and
 * not once per attempt.
 */
export class OncePerInterval {
  #openAt = -Infinity;
  #suppressed = 0;
  readonly #intervalMs: number;

  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  /** Calls `report` with the number of reports swallowed since the last one, or swallows this one. `now`: milliseconds of a clock that never goes back. */
  run(report: (suppressed: number) => void, now: number = performance.now()): void {
    if (now < this.#openAt) {
      this.#suppressed++;
      return;
    }
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    this.#openAt = now + this.#intervalMs;
    report(suppressed);
  }
}
