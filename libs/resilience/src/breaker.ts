import { logger } from '@payflow/telemetry';
import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
  type IBackoff,
} from 'cockatiel';
import { registerBreaker } from './breaker-states.js';
import { countRefusal, type BreakerState } from './metrics.js';
import { Refused } from './refused.js';

const log = logger('resilience');

export interface BreakerOptions {
  /** Failures in a row after which calls are refused. */
  readonly failures_max: number;
  /** For so long, ms; then one call tries. */
  readonly open_ms: number;
  /** What counts as a failure of the other side; all errors when left out. */
  readonly isFailure?: (error: unknown) => boolean;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
}

const STATES: Readonly<Record<CircuitState, BreakerState>> = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half_open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
};

/** closed → (failures in a row) → open → (after a while) → half-open: one call tries → closed, or open again. */
export class Breaker {
  readonly #policy: CircuitBreakerPolicy;
  readonly #clock: () => number;
  #openUntil_ms = 0;

  constructor(
    readonly name: string,
    private readonly options: BreakerOptions,
  ) {
    this.#clock = options.clock ?? (() => performance.now());
    this.#policy = circuitBreaker(handleWhen(options.isFailure ?? (() => true)), {
      breaker: new ConsecutiveBreaker(options.failures_max),
      halfOpenAfter: { next: () => this.#pause() },
    });
    this.#tell();
  }

  get state(): BreakerState {
    return STATES[this.#policy.state];
  }

  /** Runs the work, or throws {@link Refused} at once while the breaker is open or another call tries. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    const { state } = this;
    // The library lets calls wait for the one that tries; who has a fallback should not.
    if (state !== 'closed' && (state === 'half_open' || this.#left_ms() > 0)) throw this.#refusal();
    return this.#policy.execute(work);
  }

  #refusal(): Refused {
    countRefusal(this.name, 'breaker_open');
    return new Refused(this.name, 'breaker_open', this.#left_ms());
  }

  #left_ms(): number {
    return Math.max(0, this.#openUntil_ms - this.#clock());
  }

  /** The library measures with the wall clock, and one set back an hour would keep the breaker open for that hour. */
  #pause(): IBackoff<unknown> {
    this.#openUntil_ms = this.#clock() + this.options.open_ms;
    const left_ms = () => (this.#left_ms() > 0 ? Infinity : -Infinity);
    return {
      get duration() {
        return left_ms();
      },
      next: () => this.#pause(),
    };
  }

  /** Once when it opens and once when it closes: each failed try in between opens it again, for as long as an outage lasts. */
  #tell(): void {
    const { name } = this;
    let isTold = false;
    registerBreaker(name, () => this.state);
    this.#policy.onBreak((reason) => {
      const err = 'error' in reason ? reason.error : undefined;
      log[isTold ? 'debug' : 'warn'](
        { policy: name, err },
        isTold ? 'the breaker stays open' : 'the breaker has opened',
      );
      isTold = true;
    });
    this.#policy.onHalfOpen(() => log.debug({ policy: name }, 'the breaker lets one call try'));
    this.#policy.onReset(() => {
      isTold = false;
      log.info({ policy: name }, 'the breaker has closed');
    });
  }
}
