/** As long as a claim: what failed may not be claimed sooner anyway. */
const REST_MS_MIN = 3_000;
/** With so many failing in turn that this is too short, there is no broker to speak of. */
const REST_MS_MAX = 30_000;

interface Rest {
  readonly rest_ms: number;
  readonly until_ms: number;
}

/**
 * Partitions whose sends fail, each with how long the relay leaves it alone. It takes the oldest rows, and those are the ones of a
 * partition that takes nothing: without rests they would be all that it ever tries.
 */
export class Troubles {
  private readonly rests = new Map<string, Rest>();

  /** A send to the partition threw: it rests, and each time in a row for twice as long. */
  failed(partition: string, now_ms: number): void {
    const rest_ms = Math.min(REST_MS_MAX, 2 * (this.rests.get(partition)?.rest_ms ?? REST_MS_MIN / 2));
    this.rests.set(partition, { rest_ms, until_ms: now_ms + rest_ms });
  }

  /** The partition takes records again. */
  ended(partition: string): void {
    this.rests.delete(partition);
  }

  resting(now_ms: number): string[] {
    return [...this.rests].filter(([, { until_ms }]) => until_ms > now_ms).map(([partition]) => partition);
  }

  /** Whether it rests after more than one failure in a row: one may have been the moment in which a broker died. */
  isHopeless(partition: string, now_ms: number): boolean {
    const rest = this.rests.get(partition);
    return rest !== undefined && rest.rest_ms > REST_MS_MIN && rest.until_ms > now_ms;
  }
}
