import { AsyncResource } from 'node:async_hooks';
import type { TrafficClass } from '../http/traffic.js';

/** Why a request was sent away before anything was done for it. */
export type ShedReason = 'event_loop' | 'queue_full' | 'queued_too_long' | 'displaced' | 'caller_gone';

/** The first goes first. Of two in one class, who came first. */
export const PRECEDENCE: Readonly<Record<TrafficClass, number>> = { critical: 0, write: 1, read: 2, export: 3 };
const CLASSES = Object.keys(PRECEDENCE) as TrafficClass[];
const LOWEST_FIRST = CLASSES.toReversed();

/** What settles money waits as long as a group commit lets it: sending it away helps nobody. */
const CRITICAL_PATIENCE_MS = 800;
/** A burst is waited out: it ends by itself. */
const BURST_PATIENCE_MS = 400;
/**
 * In a queue that does not empty, waiting only makes every answer late: who is not served within this is told at once, while
 * it can still go elsewhere. Long enough to keep every worker busy, and far below the 50 ms in which a refusal is due.
 */
const STANDING_PATIENCE_MS = 15;
/** So many who are next are kept for as long as in a burst, or workers that are slow would find nobody and stand idle. */
const NEXT_MAX = 8;
/** A queue that somebody has waited in for so long is no burst any more. */
const BURST_MS = 200;
/** Nor is it one until nobody has been sent away, and nobody has waited long, for this while. */
const CALM_MS = 1_000;
/** How often it is looked who has waited for too long; only while somebody waits. */
const LOOK_INTERVAL_MS = 5;

interface Place {
  readonly since_ms: number;
  readonly begin: () => void;
  readonly shed: (reason: ShedReason) => void;
}

export interface GateOptions {
  readonly workers_max: number;
  readonly waiting_max: number;
  readonly onWaited?: (traffic: TrafficClass, waited_ms: number) => void;
  readonly onShed?: (traffic: TrafficClass, reason: ShedReason) => void;
  /** Milliseconds of a clock that never goes back. */
  readonly clock?: () => number;
}

/**
 * So many requests at work at one time; the others wait by class, then by turn. While nobody waits it is a number that is
 * counted up and down. p-queue and cockatiel's bulkhead wrap the work in promises of theirs, cannot put a lower class out of a
 * full queue, and know one patience for all.
 */
export class Gate {
  workers: number;
  #running = 0;
  #waiting = 0;
  readonly #places = CLASSES.map(() => new Set<Place>());
  #sinceEmpty_ms = 0;
  #standingUntil_ms = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  readonly #clock: () => number;

  constructor(private readonly options: GateOptions) {
    this.workers = options.workers_max;
    this.#clock = options.clock ?? (() => performance.now());
  }

  get running(): number {
    return this.#running;
  }

  waiting(traffic: TrafficClass): number {
    return this.#of(traffic).size;
  }

  /** How long the one has waited that has waited longest, ms. */
  get oldest_ms(): number {
    const oldest = Math.min(...this.#places.map((places) => first(places)?.since_ms ?? Infinity));
    return oldest === Infinity ? 0 : this.#clock() - oldest;
  }

  /** Whether there is more than a burst, so that nobody is kept waiting for long. */
  get isStanding(): boolean {
    return this.#isStanding(this.#clock());
  }

  /** Takes a worker, if one is free and nobody waits for it. */
  enter(): boolean {
    if (this.#running >= this.workers || this.#waiting > 0) return false;
    this.#running++;
    return true;
  }

  /** Whether one more of the class would find no worker, and no room to wait for one. */
  isFullFor(traffic: TrafficClass): boolean {
    if (this.#running < this.workers || this.#waiting < this.options.waiting_max) return false;
    return !this.#lowest(PRECEDENCE[traffic]);
  }

  /**
   * Waits for a worker. One of the two is called, once: `begin` with a worker taken, or `shed` with the reason. The returned
   * function gives the place up.
   */
  wait(traffic: TrafficClass, begin: () => void, shed: (reason: ShedReason) => void): () => void {
    const places = this.#of(traffic);
    const since_ms = this.#clock();
    if (this.#waiting >= this.options.waiting_max && !this.#displace(PRECEDENCE[traffic], since_ms)) {
      this.#refuse(traffic, shed, 'queue_full', since_ms);
      return () => undefined;
    }
    if (this.#waiting === 0) this.#sinceEmpty_ms = since_ms;
    // Whoever makes room is not who waited: without this, the one would go on in the other's trace.
    const place: Place = { since_ms, begin: AsyncResource.bind(begin), shed: AsyncResource.bind(shed) };
    places.add(place);
    this.#waiting++;
    this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    return () => {
      if (this.#remove(places, place)) this.options.onShed?.(traffic, 'caller_gone');
    };
  }

  /** Gives a worker back; whoever is next gets it. */
  leave(): void {
    this.#running--;
    this.admitWaiting();
  }

  /** Lets in as many as there are workers for: after there have come to be more of them. */
  admitWaiting(): void {
    while (this.#waiting > 0 && this.#running < this.workers) this.#admitNext();
  }

  #admitNext(): void {
    const at = this.#places.findIndex(({ size }) => size > 0);
    const [places, place] = [this.#places[at], this.#places[at] && first(this.#places[at])];
    if (!places || !place) return;
    this.#remove(places, place);
    this.#running++;
    const now_ms = this.#clock();
    const waited_ms = now_ms - place.since_ms;
    if (this.#isStanding(now_ms) && waited_ms > STANDING_PATIENCE_MS) this.#stand(now_ms);
    this.options.onWaited?.(CLASSES[at] as TrafficClass, waited_ms);
    place.begin();
  }

  /**
   * Sends away whose patience is over: the least important class first, and of each the oldest, so that only the first of it need be
   * looked at.
   */
  #look(): void {
    const now_ms = this.#clock();
    if (now_ms - this.#sinceEmpty_ms > BURST_MS) this.#stand(now_ms);
    for (const traffic of LOWEST_FIRST) {
      const places = this.#of(traffic);
      for (let place = first(places); place && this.#isTooLong(traffic, now_ms - place.since_ms, now_ms);) {
        this.#remove(places, place);
        this.#refuse(traffic, place.shed, 'queued_too_long', now_ms);
        place = first(places);
      }
    }
  }

  #isTooLong(traffic: TrafficClass, waited_ms: number, now_ms: number): boolean {
    if (traffic === 'critical') return waited_ms > CRITICAL_PATIENCE_MS;
    if (waited_ms > BURST_PATIENCE_MS) return true;
    const isNext = this.#waiting <= Math.min(NEXT_MAX, this.workers);
    return waited_ms > STANDING_PATIENCE_MS && this.#isStanding(now_ms) && !isNext;
  }

  /** Makes room by sending away the youngest of the lowest class below: it has waited least, and would have been served last. */
  #displace(above: number, now_ms: number): boolean {
    const traffic = this.#lowest(above);
    if (!traffic) return false;
    const places = this.#of(traffic);
    const youngest = [...places].at(-1) as Place;
    this.#remove(places, youngest);
    this.#refuse(traffic, youngest.shed, 'displaced', now_ms);
    return true;
  }

  #lowest(above: number): TrafficClass | undefined {
    return CLASSES.findLast((traffic) => PRECEDENCE[traffic] > above && this.waiting(traffic) > 0);
  }

  #refuse(traffic: TrafficClass, shed: Place['shed'], reason: ShedReason, now_ms: number): void {
    this.#stand(now_ms);
    this.options.onShed?.(traffic, reason);
    shed(reason);
  }

  #stand(now_ms: number): void {
    this.#standingUntil_ms = now_ms + CALM_MS;
  }

  #isStanding(now_ms: number): boolean {
    return now_ms < this.#standingUntil_ms;
  }

  #remove(places: Set<Place>, place: Place): boolean {
    if (!places.delete(place)) return false;
    this.#waiting--;
    if (this.#waiting === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return true;
  }

  #of(traffic: TrafficClass): Set<Place> {
    return this.#places[PRECEDENCE[traffic]] as Set<Place>;
  }
}

function first(places: ReadonlySet<Place>): Place | undefined {
  const [place] = places;
  return place;
}
