/** What a settlement tells of a count: by whom, it need not know. */
export interface Settled {
  /** How many were counted within the window, by all processes. */
  readonly used: number;
  /** In how many ms one more is allowed; 0 where it is allowed now. */
  readonly wait_ms: number;
}

/** Whether one more was allowed, and how many are left. */
export interface Taken {
  readonly allowed: boolean;
  readonly left: number;
  readonly wait_ms: number;
}

const SOON_MS = 1_000;

/**
 * One count of one process: what was settled last, and what it has counted itself since. What is settled is taken to leave the
 * window evenly, until it is asked for again; a limit that was reached holds until the settlement said that one more is allowed.
 */
export class SlidingCount {
  #used = 0;
  #settledAt = -Infinity;
  #freeAt = -Infinity;
  #unsettled = 0;
  #inFlight = 0;

  constructor(
    readonly subject: string,
    private readonly limit: number,
    private readonly window_ms: number,
  ) {}

  /** Counts one more, unless that is too many. What is refused is not counted: who waits as told is let in. */
  take(now: number): Taken {
    const used = this.used(now);
    if (used >= this.limit) return { allowed: false, left: 0, wait_ms: Math.max(this.#freeAt - now, SOON_MS) };
    this.#unsettled++;
    return { allowed: true, left: this.limit - used - 1, wait_ms: 0 };
  }

  /** Of one that was counted nothing came. */
  giveBack(): void {
    this.#unsettled--;
  }

  used(now: number): number {
    return Math.ceil(this.#settledPart(now)) + this.#inFlight + this.#unsettled;
  }

  /** Whether it should be settled now: soon where the limit is near, and else once in a while. */
  isDue(now: number, interval_ms: number): boolean {
    return now - this.#settledAt >= interval_ms || this.used(now) * 2 >= this.limit;
  }

  /** Takes what is to be settled, with what was known before it. One settlement at a time. */
  begin(now: number): { readonly counted: number; readonly known: number } {
    this.#inFlight = this.#unsettled;
    this.#unsettled = 0;
    return { counted: this.#inFlight, known: Math.ceil(this.#settledPart(now)) };
  }

  settle(now: number, { used, wait_ms }: Settled): void {
    this.#inFlight = 0;
    this.#used = used;
    this.#settledAt = now;
    this.#freeAt = now + wait_ms;
  }

  #settledPart(now: number): number {
    if (this.#used < this.limit) return this.#used * this.#left(now - this.#settledAt);
    return now < this.#freeAt ? this.#used : (this.limit - 1) * this.#left(now - this.#freeAt);
  }

  /** The share that is still within the window. */
  #left(passed_ms: number): number {
    return Math.max(0, 1 - passed_ms / this.window_ms);
  }
}
