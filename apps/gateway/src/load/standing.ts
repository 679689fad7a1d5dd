/** A queue stands until nobody has been sent away from it, and nobody has waited long in it, for this while. */
const CALM_MS = 1_000;

/**
 * Tells a burst, which is waited out, from a queue that stands: one in which nobody has got through soon for a while, so that
 * waiting makes every answer late and no more of them.
 */
export class Standing {
  #since_ms = 0;
  #until_ms = -Infinity;

  /** A queue that nobody has got through soon for so long is no burst any more. */
  constructor(private readonly burst_ms: number) {}

  /** Somebody waits and nobody did before, or somebody got through soon. */
  begin(now_ms: number): void {
    this.#since_ms = now_ms;
  }

  /** Somebody still waits. */
  look(now_ms: number): void {
    if (now_ms - this.#since_ms > this.burst_ms) this.prolong(now_ms);
  }

  /** One was sent away, or has waited long. */
  prolong(now_ms: number): void {
    this.#until_ms = now_ms + CALM_MS;
  }

  holds(now_ms: number): boolean {
    return now_ms < this.#until_ms;
  }
}
