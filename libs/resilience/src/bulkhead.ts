import { AsyncResource } from 'node:async_hooks';
import { bulkhead, isBulkheadRejectedError, type BulkheadPolicy } from 'cockatiel';
import { countRefusal, showRunning, showWaiting } from './metrics.js';
import { Refused } from './refused.js';

export interface BulkheadOptions {
  /** Calls at work at one time. */
  readonly running_max: number;
  /** Calls that may wait for a place, first come first served; one more is refused. */
  readonly waiting_max: number;
}

/** Keeps calls to one thing from taking what calls to others need. */
export class Bulkhead {
  readonly #policy: BulkheadPolicy;

  constructor(
    readonly name: string,
    { running_max, waiting_max }: BulkheadOptions,
  ) {
    this.#policy = bulkhead(running_max, waiting_max);
    showRunning(name, () => running_max - this.#policy.executionSlots);
    showWaiting(name, () => waiting_max - this.#policy.queueSlots);
  }

  /** Runs the work when there is a place; {@link Refused} when too many wait already. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const waits = this.#policy.executionSlots === 0;
    try {
      // Whoever waits is begun from within the call that ends: without this, in that one's trace and under its deadline.
      return await this.#policy.execute(waits ? AsyncResource.bind(work) : work);
    } catch (error) {
      if (!isBulkheadRejectedError(error)) throw error;
      countRefusal(this.name, 'bulkhead_full');
      throw new Refused(this.name, 'bulkhead_full');
    }
  }
}
