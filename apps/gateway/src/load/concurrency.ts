import { TRAFFIC_CLASSES, type TrafficClass } from '../http/edge/traffic.js';

/** Fewer in a window say more about chance than about load. */
const SAMPLES_MIN = 10;
/** So many times what a class takes when all is well, and so much more than that, is slow: what takes 2 ms instead of 0.5 is not. */
const SLOWER_TIMES = 3;
const SLOWER_BY_MS = 100;
/** A loop that is late by so much makes everything late, whatever the database does. */
const LOOP_LATE_MS = 50;
/**
 * What is usual follows what is seen, downward at once and upward slowly: about a minute at ten windows a second, and not at all
 * while fewer are at work than may be, or an overload that lasts would become what is usual.
 */
const DRIFT = 0.002;
const DECREASE = 0.9;
const INCREASE = 0.05;
/** Below this share of the most, requests wait for workers and no longer fill the transactions they share: fewer are done, at a higher price. */
const SHARE_MIN = 1 / 2;
/** From this share of the most on, they can be what makes the event loop late. */
const SHARE_OF_MANY = 1 / 8;
/** So few are not made fewer: that they are slow, or that the event loop is late, is not for their number. */
const FEW = 16;

export type ChangeReason = 'latency' | 'event_loop' | 'recovered';

export interface Change {
  readonly from: number;
  readonly to: number;
  readonly reason: ChangeReason;
}

/** What was measured of one class since it was last judged. */
interface Window {
  count: number;
  total_ms: number;
  /** What a request of the class takes when all is well; 0 while that is not known. */
  usual_ms: number;
}

/**
 * How many requests may be at work at one time: all that are allowed while they take as long as usual, a tenth less each time
 * they do not, a twentieth more each time they do again. Each class is held against itself, so that a change of what is asked
 * for is not taken for load.
 */
export class Concurrency {
  readonly #windows = Object.fromEntries(
    TRAFFIC_CLASSES.map((traffic) => [traffic, { count: 0, total_ms: 0, usual_ms: 0 }]),
  ) as unknown as Readonly<Record<TrafficClass, Window>>;
  readonly min: number;
  #limit: number;

  constructor(readonly max: number) {
    this.min = Math.max(Math.min(FEW, max), Math.ceil(max * SHARE_MIN));
    this.#limit = max;
  }

  /** Whether so many at work can be what makes the event loop late. */
  isMany(running: number): boolean {
    return running >= Math.max(FEW, this.max * SHARE_OF_MANY);
  }

  get limit(): number {
    return this.#limit;
  }

  /** One request of the class was at work for so long, waiting for its outcome not counted. */
  note(traffic: TrafficClass, took_ms: number): void {
    const window = this.#windows[traffic];
    window.count++;
    window.total_ms += took_ms;
  }

  /** Judges what was noted since the last time; returns the change, if there is one. */
  adjust(loopDelay_ms: number): Change | undefined {
    const drift = this.#limit === this.max ? DRIFT : 0;
    const slower = TRAFFIC_CLASSES.filter((traffic) => isSlower(this.#windows[traffic], drift));
    if (loopDelay_ms > LOOP_LATE_MS) return this.#to(Math.floor(this.#limit * DECREASE), 'event_loop');
    if (slower.length > 0) return this.#to(Math.floor(this.#limit * DECREASE), 'latency');
    return this.#to(Math.ceil(this.#limit * INCREASE) + this.#limit, 'recovered');
  }

  #to(wanted: number, reason: ChangeReason): Change | undefined {
    const from = this.#limit;
    const to = Math.min(this.max, Math.max(this.min, wanted));
    this.#limit = to;
    return to === from ? undefined : { from, to, reason };
  }
}

/** Judges a window and begins the next. */
function isSlower(window: Window, drift: number): boolean {
  const { count, total_ms, usual_ms } = window;
  if (count < SAMPLES_MIN) return false;
  const mean_ms = total_ms / count;
  window.count = 0;
  window.total_ms = 0;
  const isKnown = usual_ms > 0 && mean_ms > usual_ms;
  window.usual_ms = isKnown ? usual_ms + (mean_ms - usual_ms) * drift : mean_ms;
  return isKnown && mean_ms > usual_ms * SLOWER_TIMES && mean_ms > usual_ms + SLOWER_BY_MS;
}
