import { unavailable } from '@payflow/service';

export interface TurnsOptions {
  readonly running_max: number;
  readonly waiting_max: number;
  readonly wait_ms: number;
}

/** Lets few things at once to the database, in the order they came. */
export class Turns {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly options: TurnsOptions) {}

  /** Does the work when it is its turn; `onWait` is called first where that is not at once. Throws 503 when it does not come in time. */
  async run<T>(work: () => Promise<T>, onWait?: () => void): Promise<T> {
    if (this.#running < this.options.running_max) this.#running++;
    else await this.#turn(onWait);
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  #turn(onWait: (() => void) | undefined): Promise<void> {
    const { waiting_max, wait_ms } = this.options;
    if (this.#waiting.size >= waiting_max) throw unavailable();
    onWait?.();
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(begin);
        reject(unavailable());
      }, wait_ms);
      this.#waiting.add(begin);
    });
  }

  /** The place goes to the one that has waited longest; it counts as running throughout. */
  #passOn(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
