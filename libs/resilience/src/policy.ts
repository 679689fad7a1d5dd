import { Breaker, type BreakerOptions } from './breaker.js';
import { Bulkhead, type BulkheadOptions } from './bulkhead.js';
import { currentDeadline, deadlineIn, timeLeft_ms, withDeadline, type Deadline } from './deadline.js';
import { countRefusal } from './metrics.js';
import { Refused } from './refused.js';
import { Retry, type RetryOptions } from './retry.js';
import { withinTime } from './time-limit.js';

export interface PolicyOptions {
  /** For everything together: waiting, tries and the pauses between them, ms. The caller's deadline may end it sooner. */
  readonly limit_ms: number;
  readonly bulkhead?: BulkheadOptions;
  readonly retry?: RetryOptions;
  readonly breaker?: BreakerOptions;
}

/** What a piece of work is told: until when, and a signal that comes when that is over. */
export interface Call {
  readonly deadline: Deadline;
  readonly signal: AbortSignal;
}

/**
 * How one thing outside of this process is called. From the outside in: deadline, bulkhead, retry, breaker, time limit. So
 * a call waits for a place once, each try is a breaker's business, and nothing is begun that nobody waits for.
 */
export class Policy {
  readonly #bulkhead: Bulkhead | undefined;
  readonly #retry: Retry | undefined;
  readonly #breaker: Breaker | undefined;

  /** `name` is the label of its metrics and part of its errors. */
  constructor(
    readonly name: string,
    private readonly options: PolicyOptions,
  ) {
    this.#bulkhead = options.bulkhead && new Bulkhead(name, options.bulkhead);
    this.#retry = options.retry && new Retry(name, options.retry);
    this.#breaker = options.breaker && new Breaker(name, options.breaker);
  }

  /**
   * Runs the work. Throws {@link Refused} when it was not begun, `TimedOut` when it did not end in time, and the work's own
   * error. `once`: the work may not be done twice.
   */
  run<T>(work: (call: Call) => Promise<T>, { once = false } = {}): Promise<T> {
    const deadline = Math.min(deadlineIn(this.options.limit_ms), currentDeadline() ?? Infinity);
    const tries = () => this.#tries(() => this.#attempt(work, deadline), deadline, once);
    return withDeadline(deadline, () => (this.#bulkhead ? this.#bulkhead.run(tries) : tries()));
  }

  #tries<T>(attempt: () => Promise<T>, deadline: Deadline, once: boolean): Promise<T> {
    const breaker = this.#breaker;
    const guarded = breaker ? () => breaker.run(attempt) : attempt;
    return this.#retry && !once ? this.#retry.run(guarded, () => timeLeft_ms(deadline) === 0) : guarded();
  }

  async #attempt<T>(work: (call: Call) => Promise<T>, deadline: Deadline): Promise<T> {
    const left_ms = timeLeft_ms(deadline);
    if (left_ms === 0) {
      countRefusal(this.name, 'deadline_passed');
      throw new Refused(this.name, 'deadline_passed');
    }
    return withinTime(this.name, left_ms, (signal) => work({ deadline, signal }));
  }
}
