import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
const NS_PER_MS = 1_000_000;
/** One long turn (a collection of garbage, a large body) is over when it is noticed; several in a row are load. */
const WEIGHT_OF_NEW = 0.2;

/** How late this process's event loop is, smoothed. Node measures it by itself; nothing runs for it but when it is looked at. */
export class LoopDelay {
  readonly #measured = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  #smoothed_ms = 0;

  constructor() {
    this.#measured.enable();
  }

  get now_ms(): number {
    return this.#smoothed_ms;
  }

  /** Takes what was measured since the last time: the worst of it, which a request that came then has met. */
  look(): number {
    const worst_ms = this.#measured.count > 0 ? this.#measured.max / NS_PER_MS - RESOLUTION_MS : 0;
    this.#measured.reset();
    this.#smoothed_ms += (Math.max(0, worst_ms) - this.#smoothed_ms) * WEIGHT_OF_NEW;
    return this.#smoothed_ms;
  }

  close(): void {
    this.#measured.disable();
  }
}
