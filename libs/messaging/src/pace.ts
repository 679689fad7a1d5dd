/** The rate is an average that forgets within about this time. */
const MEMORY_MS = 1_000;

export interface PaceOptions {
  /** Below this rate a member would wait mostly for nothing. */
  readonly quiet_per_s: number;
  /** What each member per second above that adds to the time a batch may gather. */
  readonly gather_ms_per_rate: number;
  readonly gather_ms_max: number;
}

/**
 * How long the next batch may gather, from how much goes by. A batch costs about the same whether it holds one member or
 * fifty, so what is busy takes fewer and larger ones, and what is quiet takes each member at once.
 */
export class Pace {
  private perSecond = 0;
  private begunAt_ms = -Infinity;

  constructor(private readonly options: PaceOptions) {}

  /** A batch of so many members begins. */
  begin(members: number, now_ms: number): void {
    const since_ms = Math.max(1, now_ms - this.begunAt_ms);
    const weight = 1 - Math.exp(-since_ms / MEMORY_MS);
    this.perSecond += weight * ((members * 1_000) / since_ms - this.perSecond);
    this.begunAt_ms = now_ms;
  }

  /** For how long the next batch should be left to gather, ms; 0 where it is quiet. */
  rest_ms(now_ms: number): number {
    const { quiet_per_s, gather_ms_per_rate, gather_ms_max } = this.options;
    const gather_ms = Math.min(gather_ms_max, (this.perSecond - quiet_per_s) * gather_ms_per_rate);
    return Math.max(0, this.begunAt_ms + gather_ms - now_ms);
  }
}
