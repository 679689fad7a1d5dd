import { unavailable } from '@payflow/service';

export interface ListReadsOptions {
  readonly running_max: number;
  readonly waiting_max: number;
  readonly wait_ms: number;
}

/**
 * A third of the pool: whatever lists cost, writes and consumers have the rest. One that waits for its turn holds nothing but
 * its request, and is told to come back about when it would give up waiting for a connection, too.
 */
const OPTIONS: ListReadsOptions = { running_max: 4, waiting_max: 200, wait_ms: 800 };

/**
 * Lets few lists at once to the database, in the order they came. Filters that no index answers read a whole tenant; such a list
 * may take until the statement's time is up, which is not a fault of the request.
 */
export class ListReads {
  #running = 0;
  readonly #waiting = new Set<() => void>();

  constructor(private readonly options: ListReadsOptions = OPTIONS) {}

  /** Runs the read when it is its turn. Throws 503 when that does not come in time. */
  async run<T>(read: () => Promise<T>): Promise<T> {
    if (this.#running < this.options.running_max) this.#running++;
    else await this.#turn();
    try {
      return await read();
    } finally {
      this.#passOn();
    }
  }

  #turn(): Promise<void> {
    const { waiting_max, wait_ms } = this.options;
    if (this.#waiting.size >= waiting_max) throw unavailable();
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
