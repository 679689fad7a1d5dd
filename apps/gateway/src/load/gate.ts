import { AsyncResource } from 'node:async_hooks';
import { TRAFFIC_CLASSES, type TrafficClass } from '../http/edge/traffic.js';
import { Standing } from './standing.js';

/** Why a request was sent away before anything was done for it. */
export type ShedReason = 'event_loop' | 'queue_full' | 'standing' | 'queued_too_long' | 'displaced' | 'caller_gone';

/** The first goes first. Of two in one class, who came first. */
const PRECEDENCE: Readonly<Record<TrafficClass, number>> = { critical: 0, write: 1, read: 2, export: 3 };
const LOWEST_FIRST = TRAFFIC_CLASSES.toReversed();

/** A burst is waited out: it ends by itself. What settles money waits as long as a group commit lets it. */
const BURST_PATIENCE_MS: Readonly<Record<TrafficClass, number>> = { critical: 800, write: 400, read: 400, export: 400 };
/** After so long in which nobody got through soon a queue is no burst any more. */
const BURST_MS: Readonly<Record<TrafficClass, number>> = { critical: 800, write: 200, read: 200, export: 200 };
/**
 * Soon is within this. In a queue that stands, who is not served by then is told at once, while it can still go elsewhere: long
 * enough that workers find somebody, and far below the 50 ms in which a refusal is due. What settles money keeps its place, once
 * it has one.
 */
const STANDING_PATIENCE_MS: Readonly<Record<TrafficClass, number>> = {
  ...BURST_PATIENCE_MS,
  write: 20,
  read: 20,
  export: 20,
};
/** One for each worker is next in a queue that stands, and these where there are few workers. Who comes after them is told at the door. */
const NEXT_MIN = 4;
/** Exports hold their workers until whoever reads them has read all: so many of the workers are never theirs, where there are two. */
const SHARE_OF_EXPORTS = 1 / 4;
/** How often it is looked who has waited for too long; only while somebody waits. */
const LOOK_INTERVAL_MS = 5;

interface Place {
  readonly since_ms: number;
  readonly begin: () => void;
  readonly shed: (reason: ShedReason) => void;
}

/** Those of one class who wait, in the order they came. */
interface Line {
  readonly traffic: TrafficClass;
  readonly places: Set<Place>;
  readonly standing: Standing;
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
 *
 * While a worker is free for a class, nobody of it waits: whoever gives one back, or makes more, hands them on.
 */
export class Gate {
  #workers = 0;
  #exports_max = 0;
  #running = 0;
  #exports = 0;
  #waiting = 0;
  readonly #lines: readonly Line[] = TRAFFIC_CLASSES.map((traffic) => ({
    traffic,
    places: new Set<Place>(),
    standing: new Standing(BURST_MS[traffic]),
  }));
  #timer: NodeJS.Timeout | undefined;
  readonly #clock: () => number;

  constructor(private readonly options: GateOptions) {
    this.#clock = options.clock ?? (() => performance.now());
    this.workers = options.workers_max;
  }

  /** How many may be at work now. More of them take up who waits. */
  get workers(): number {
    return this.#workers;
  }

  set workers(count: number) {
    this.#workers = count;
    this.#exports_max = Math.max(1, Math.floor(count * SHARE_OF_EXPORTS));
    this.#admitWaiting();
  }

  get running(): number {
    return this.#running;
  }

  waiting(traffic: TrafficClass): number {
    return this.#line(traffic).places.size;
  }

  /** How long the one has waited that has waited longest, ms. */
  get oldest_ms(): number {
    const oldest = Math.min(...this.#lines.map(({ places }) => first(places)?.since_ms ?? Infinity));
    return oldest === Infinity ? 0 : this.#clock() - oldest;
  }

  /** Whether there is more than a burst of anything, so that nobody of it is kept waiting for long. */
  get isStanding(): boolean {
    const now_ms = this.#clock();
    return this.#lines.some(({ standing }) => standing.holds(now_ms));
  }

  /** Takes a worker, if one is free. */
  enter(traffic: TrafficClass): boolean {
    if (!this.#isFreeFor(traffic)) return false;
    this.#take(traffic);
    return true;
  }

  /** Why one more of the class would find neither a worker nor a place to wait for one, if so: then it was sent away. */
  turnAway(traffic: TrafficClass): ShedReason | undefined {
    if (this.#isFreeFor(traffic)) return undefined;
    const now_ms = this.#clock();
    const reason = this.#noRoom(traffic, now_ms);
    if (reason) this.#note(traffic, reason, now_ms);
    return reason;
  }

  /**
   * Waits for a worker. One of the two is called, once: `begin` with a worker taken, or `shed` with the reason. The returned
   * function gives the place up; there is none where there was no room.
   */
  wait(traffic: TrafficClass, begin: () => void, shed: (reason: ShedReason) => void): (() => void) | undefined {
    const now_ms = this.#clock();
    const reason = this.#noRoom(traffic, now_ms);
    if (reason) {
      this.#note(traffic, reason, now_ms);
      shed(reason);
      return undefined;
    }
    if (this.#waiting >= this.#room(traffic, now_ms)) this.#displace(PRECEDENCE[traffic], now_ms);
    const line = this.#line(traffic);
    if (line.places.size === 0) line.standing.begin(now_ms);
    // Whoever makes room is not who waited: without this, the one would go on in the other's trace.
    const place: Place = { since_ms: now_ms, begin: AsyncResource.bind(begin), shed: AsyncResource.bind(shed) };
    line.places.add(place);
    this.#waiting++;
    this.#timer ??= setInterval(() => this.#look(), LOOK_INTERVAL_MS);
    return () => {
      if (this.#remove(line, place)) this.options.onShed?.(traffic, 'caller_gone');
    };
  }

  /** Gives a worker back; whoever is next gets it. */
  leave(traffic: TrafficClass): void {
    this.#running--;
    if (traffic === 'export') this.#exports--;
    if (this.#waiting > 0) this.#admitWaiting();
  }

  #isFreeFor(traffic: TrafficClass): boolean {
    return this.#running < this.#workers && (traffic !== 'export' || this.#exports < this.#exports_max);
  }

  #take(traffic: TrafficClass): void {
    this.#running++;
    if (traffic === 'export') this.#exports++;
  }

  #admitWaiting(): void {
    for (let line = this.#next(); line; line = this.#next()) this.#admit(line);
  }

  #next(): Line | undefined {
    return this.#lines.find(({ traffic, places }) => places.size > 0 && this.#isFreeFor(traffic));
  }

  #admit(line: Line): void {
    const place = first(line.places) as Place;
    this.#remove(line, place);
    this.#take(line.traffic);
    const now_ms = this.#clock();
    const waited_ms = now_ms - place.since_ms;
    if (waited_ms <= STANDING_PATIENCE_MS[line.traffic]) line.standing.begin(now_ms);
    else if (line.standing.holds(now_ms)) line.standing.prolong(now_ms);
    this.options.onWaited?.(line.traffic, waited_ms);
    place.begin();
  }

  /** Sends away whose patience is over: the least important first, and of each the oldest, so that only the first of it need be looked at. */
  #look(): void {
    const now_ms = this.#clock();
    for (const { places, standing } of this.#lines) if (places.size > 0) standing.look(now_ms);
    for (const traffic of LOWEST_FIRST) {
      const line = this.#line(traffic);
      const patience = this.#stands(traffic, now_ms) ? STANDING_PATIENCE_MS : BURST_PATIENCE_MS;
      const patience_ms = patience[traffic];
      for (let place = first(line.places); place && now_ms - place.since_ms > patience_ms; place = first(line.places))
        this.#sendAway(line, place, 'queued_too_long', now_ms);
    }
  }

  /** Whether the queue stands for the class: its own, or one that is served before it. */
  #stands(traffic: TrafficClass, now_ms: number): boolean {
    const last = PRECEDENCE[traffic];
    return this.#lines.some(({ standing }, at) => at <= last && standing.holds(now_ms));
  }

  /** So many wait at most when one of the class comes: nobody where the queue stands for those who are served before it. */
  #room(traffic: TrafficClass, now_ms: number): number {
    const { waiting_max } = this.options;
    const first = this.#lines.findIndex(({ standing }) => standing.holds(now_ms));
    if (first < 0 || first > PRECEDENCE[traffic]) return waiting_max;
    return first < PRECEDENCE[traffic] ? 0 : Math.min(waiting_max, Math.max(NEXT_MIN, this.#workers));
  }

  #noRoom(traffic: TrafficClass, now_ms: number): ShedReason | undefined {
    const room = this.#room(traffic, now_ms);
    if (this.#waiting < room || this.#lowest(PRECEDENCE[traffic])) return undefined;
    return room < this.options.waiting_max ? 'standing' : 'queue_full';
  }

  /** Makes room by sending away the youngest of the lowest class below: it has waited least, and would have been served last. */
  #displace(above: number, now_ms: number): void {
    const line = this.#lowest(above);
    if (line) this.#sendAway(line, [...line.places].at(-1) as Place, 'displaced', now_ms);
  }

  #lowest(above: number): Line | undefined {
    return this.#lines.findLast(({ traffic, places }) => PRECEDENCE[traffic] > above && places.size > 0);
  }

  #sendAway(line: Line, place: Place, reason: ShedReason, now_ms: number): void {
    this.#remove(line, place);
    this.#note(line.traffic, reason, now_ms);
    place.shed(reason);
  }

  #note(traffic: TrafficClass, reason: ShedReason, now_ms: number): void {
    this.#line(traffic).standing.prolong(now_ms);
    this.options.onShed?.(traffic, reason);
  }

  #remove({ places }: Line, place: Place): boolean {
    if (!places.delete(place)) return false;
    this.#waiting--;
    if (this.#waiting === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
    }
    return true;
  }

  #line(traffic: TrafficClass): Line {
    return this.#lines[PRECEDENCE[traffic]] as Line;
  }
}

function first(places: ReadonlySet<Place>): Place | undefined {
  const [place] = places;
  return place;
}
