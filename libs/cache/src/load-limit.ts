import { bulkhead, BulkheadRejectedError } from 'cockatiel';

export interface LoadLimitOptions {
  /** Loads at a time. */
  readonly running_max: number;
  /** Loads that may wait for their turn. */
  readonly waiting_max: number;
  /** What is thrown beyond that: for whoever asks, an answer that says to come back. */
  readonly refuse: () => Error;
}

/** How many loads may be at work where the values are kept for good: a cache that is lost must not bring that down as well. */
export class LoadLimit {
  readonly #bulkhead;

  constructor(private readonly options: LoadLimitOptions) {
    this.#bulkhead = bulkhead(options.running_max, options.waiting_max);
  }

  async run<T>(load: () => Promise<T>): Promise<T> {
    try {
      return await this.#bulkhead.execute(load);
    } catch (error) {
      throw error instanceof BulkheadRejectedError ? this.options.refuse() : error;
    }
  }
}
