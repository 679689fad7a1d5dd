import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1_000_000;
/** One long turn (a collection of garbage, a large body) is over when it is noticed; several in a row are load. */
const WEIGHT_OF_NEW = 0.2;

/** What is known of an event loop: how late it is, smoothed. `look` takes what was measured since it was looked at before. */
export interface Lateness {
  readonly now_ms: number;
  look(): number;
  close(): void;
}

/**
 * How late this process's event loop is. Node measures it by itself; nothing runs for it but when it is looked at. Two measure by
 * turns: one that is reset forgets when its tick came last, and a loop that is so late that it is looked at after every turn
 * would seem never late.
 */
export class LoopDelay implements Lateness {
  #measured = [measure(), measure()] as const;
  #smoothed_ms = 0;

  get now_ms(): number {
    return this.#smoothed_ms;
  }

  /** Takes what was measured since the last time but one: the worst of it, which a request that came then has met. */
  look(): number {
    const [older, newer] = this.#measured;
    const worst_ms = older.count > 0 ? older.max / NS_PER_MS - RESOLUTION_MS : 0;
    older.reset();
    this.#measured = [newer, older];
    this.#smoothed_ms += (Math.max(0, worst_ms) - this.#smoothed_ms) * WEIGHT_OF_NEW;
    return this.#smoothed_ms;
  }

  close(): void {
    for (const measured of this.#measured) measured.disable();
  }
}

function measure(): ReturnType<typeof monitorEventLoopDelay> {
  const measured = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  measured.enable();
  return measured;
}
