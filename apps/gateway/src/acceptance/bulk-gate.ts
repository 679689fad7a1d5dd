import { Overloaded } from './group-commit.js';

/** What waits is held in memory, 4 MiB of it each. */
const WAITING_MAX = 32;

/**
 * Lets so many bulks be read and written at once: each takes a connection for as long as ten thousand rows need, and the
 * others' requests need theirs.
 */
export class BulkGate {
  readonly #waiting: (() => void)[] = [];
  #inside = 0;

  constructor(private readonly places: number) {}

  /** Runs the work when it is its turn. Throws {@link Overloaded} where too many wait. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#inside < this.places) {
      this.#inside++;
      return;
    }
    if (this.#waiting.length >= WAITING_MAX) throw new Overloaded('too many bulks wait');
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** The place goes to the next without becoming free in between. */
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#inside--;
  }
}
