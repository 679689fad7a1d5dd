/** At four a second this is two minutes: whoever is further behind is too old for any read. */
const SAMPLES_MAX = 512;

interface Sample {
  readonly at_ms: number;
  readonly position: bigint;
}

/**
 * Where the primary's log ended, and when. A replica that has replayed up to where it ended at some time lacks nothing that was
 * committed by then: this tells how old its answers are at most, on one clock, whether the primary is busy or idle.
 */
export class Timeline {
  private readonly samples: Sample[] = [];

  /** `at_ms`: before the position was asked for. */
  add(at_ms: number, position: bigint): void {
    const last = this.samples.at(-1);
    // Answers may overtake each other; an older one teaches nothing.
    if (last && (at_ms <= last.at_ms || position < last.position)) return;
    this.samples.push({ at_ms, position });
    if (this.samples.length > SAMPLES_MAX) this.samples.shift();
  }

  /** What was noted is of another log. */
  forget(): void {
    this.samples.length = 0;
  }

  /** How old an answer of somebody who has replayed up to `replayed` is at most, ms; Infinity where that is not known. */
  staleness(replayed: bigint, now_ms: number): number {
    for (let at = this.samples.length - 1; at >= 0; at--) {
      const sample = this.samples[at] as Sample;
      if (sample.position <= replayed) return now_ms - sample.at_ms;
    }
    return Infinity;
  }

  /** Bytes of the log that it has not replayed. */
  behind(replayed: bigint): number {
    const last = this.samples.at(-1)?.position ?? replayed;
    return Number(last > replayed ? last - replayed : 0n);
  }
}
