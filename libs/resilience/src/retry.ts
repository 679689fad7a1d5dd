import { ExponentialBackoff, fullJitterGenerator, handleType, retry, type RetryPolicy } from 'cockatiel';
import { countRetry } from './metrics.js';
import { RetryBudget, type RetryBudgetOptions } from './retry-budget.js';

export interface RetryOptions {
  /** Tries after the first. */
  readonly retries_max: number;
  /** The first pause is random up to this, each further one up to twice the one before, ms. */
  readonly pause_ms: number;
  readonly pause_max_ms: number;
  /** Which errors another try may cure. Everything else is thrown at once. */
  readonly isTransient: (error: unknown) => boolean;
  readonly budget: RetryBudgetOptions;
}

/** A failure that will be tried again. */
class Again extends Error {
  constructor(override readonly cause: unknown) {
    super('again');
  }
}

/** Tries again what may be tried again, after random pauses and within a budget. */
export class Retry {
  readonly #policy: RetryPolicy;
  readonly #budget: RetryBudget;

  constructor(
    readonly name: string,
    private readonly options: RetryOptions,
  ) {
    const { retries_max, pause_ms, pause_max_ms, budget } = options;
    this.#budget = new RetryBudget(name, budget);
    this.#policy = retry(handleType(Again), {
      maxAttempts: retries_max,
      backoff: new ExponentialBackoff({
        initialDelay: pause_ms,
        maxDelay: pause_max_ms,
        generator: fullJitterGenerator,
      }),
    });
  }

  /** Runs the work until it succeeds, or throws its last error. No try begins once `isOver` says that nobody waits. */
  async run<T>(work: () => Promise<T>, isOver: () => boolean = () => false): Promise<T> {
    this.#budget.earn();
    return this.#policy.execute(async ({ attempt }) => {
      try {
        return await work();
      } catch (error) {
        if (attempt < this.options.retries_max && !isOver() && this.#mayTryAgain(error)) throw new Again(error);
        throw error;
      }
    });
  }

  #mayTryAgain(error: unknown): boolean {
    if (!this.options.isTransient(error)) return false;
    const allowed = this.#budget.spend();
    countRetry(this.name, allowed ? 'retried' : 'out_of_budget');
    return allowed;
  }
}
