import { setTimeout as delay } from 'node:timers/promises';
import { timeLeft_ms, type Deadline } from './deadline.js';
import { countRefusal } from './metrics.js';
import { Refused } from './refused.js';

export interface RateLimitOptions {
  /** Turns per second, in the long run. */
  readonly perSecond: number;
  /** Turns that may be taken at once after a quiet time. */
  readonly burst: number;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
}

const MS_PER_S = 1_000;

/**
 * A bucket of turns that fills at the supplier's rate. Whoever comes to an empty one has the next turn that is free, and
 * waits for it; a turn that would come after the deadline is not taken, and stays another's.
 */
export class RateLimit {
  readonly #turn_ms: number;
  readonly #ahead_ms: number;
  readonly #clock: () => number;
  /** When the next turn would be, were turns not saved up. */
  #next_ms = -Infinity;

  constructor(
    readonly name: string,
    { perSecond, burst, clock }: RateLimitOptions,
  ) {
    this.#turn_ms = MS_PER_S / perSecond;
    this.#ahead_ms = this.#turn_ms * (burst - 1);
    this.#clock = clock ?? (() => performance.now());
  }

  /** Resolves when it is the caller's turn. Throws {@link Refused} at once when that would be after the deadline. */
  async take(deadline: Deadline, signal?: AbortSignal): Promise<void> {
    const now_ms = this.#clock();
    const turn_ms = Math.max(this.#next_ms, now_ms);
    const wait_ms = turn_ms - this.#ahead_ms - now_ms;
    if (wait_ms >= timeLeft_ms(deadline, now_ms)) throw this.#refusal(wait_ms);
    this.#next_ms = turn_ms + this.#turn_ms;
    if (wait_ms > 0) await delay(wait_ms, undefined, signal && { signal });
  }

  /** The supplier asked for silence: nobody has a turn for so long, ms. */
  pause(pause_ms: number): void {
    this.#next_ms = Math.max(this.#next_ms, this.#clock() + this.#ahead_ms + pause_ms);
  }

  #refusal(retryAfter_ms: number): Refused {
    countRefusal(this.name, 'rate_limited');
    return new Refused(this.name, 'rate_limited', retryAfter_ms);
  }
}
