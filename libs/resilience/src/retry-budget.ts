import { showBudget } from './metrics.js';

export interface RetryBudgetOptions {
  /** Second tries per first try, in the long run: 0.1 is one for ten calls. */
  readonly share: number;
  /** What a quiet time may save up, and what there is at the start. */
  readonly saved_max: number;
}

/**
 * A bucket of tokens: each call puts its share in, each retry takes one out. However many calls fail, retries stay that
 * share of them; without it, an outage is met with a multiple of the load that caused it.
 */
export class RetryBudget {
  #tokens: number;

  constructor(
    name: string,
    private readonly options: RetryBudgetOptions,
  ) {
    this.#tokens = options.saved_max;
    showBudget(name, () => Math.floor(this.#tokens));
  }

  get left(): number {
    return this.#tokens;
  }

  earn(): void {
    this.#tokens = Math.min(this.options.saved_max, this.#tokens + this.options.share);
  }

  /** True when there was a token to take. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}
