import type { RawRecord } from '../broker/port.js';

/** How old the oldest record is that a partition has and its reader has not applied. Nothing is asked of anybody for it. */
export class Behind {
  #oldest_ms: number | undefined;

  /** These are to be applied, and are not yet. */
  waits(records: readonly RawRecord[]): void {
    const [first] = records;
    if (first) this.#oldest_ms = Number(first.timestamp);
  }

  /** All below `next` is applied. Of what else the log has, nothing is younger than the last of what came. */
  applied(records: readonly RawRecord[], next: number, logEnd: number): void {
    const left = records.find(({ offset }) => offset >= next) ?? (next < logEnd ? records.at(-1) : undefined);
    this.#oldest_ms = left && Number(left.timestamp);
  }

  /** Another process may read it now: what is known of it is its own. */
  forget(): void {
    this.#oldest_ms = undefined;
  }

  /** Milliseconds; 0 where all that is known of has been applied. */
  at(now_ms: number): number {
    return this.#oldest_ms === undefined ? 0 : Math.max(0, now_ms - this.#oldest_ms);
  }
}
