/**
 * Milliseconds since 1970, as one process counts them: it goes on when the wall clock is set back, and ahead when that is, or when the
 * machine has slept. By a clock that may go back, what has to end in ten seconds lives for an hour more where an hour comes twice.
 */
export class SteadyClock {
  #ahead_ms = -Infinity;

  constructor(
    private readonly wall: () => number = () => Date.now(),
    private readonly running: () => number = () => performance.now(),
  ) {}

  now(): number {
    const running_ms = this.running();
    this.#ahead_ms = Math.max(this.#ahead_ms, this.wall() - running_ms);
    return Math.round(running_ms + this.#ahead_ms);
  }

  /** The moment as it is told to other processes, whose clocks are the wall's. */
  told(at: number): number {
    return this.wall() - (this.now() - at);
  }

  /** A moment that another process tells of; never one that is yet to come. */
  heard(at: number): number {
    return this.now() - Math.max(0, this.wall() - at);
  }
}

export const steady = new SteadyClock();
