import { Pace } from '@payflow/messaging';
import { gauge, histogram } from '@payflow/telemetry';

/** Thrown where too many wait, or the database takes too long. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';
}

export interface GroupCommitOptions<M, R> {
  /** Makes a group durable in one transaction; gives one result per member, in order. A rejection is every member's. */
  readonly commit: (group: readonly M[]) => Promise<readonly R[]>;
  /** Members that share one of these must not be in one group. */
  readonly identities: (member: M) => readonly string[];
  /** How much of a group's room it takes. */
  readonly weight?: (member: M) => number;
}

/** A group is one transaction and one set of statements; beyond so many rows they grow and the fsync is shared enough. */
const GROUP_WEIGHT_MAX = 256;
/** Two in flight: one fills and parses while the other waits for its fsync. More only makes groups smaller. */
const GROUPS_IN_FLIGHT_MAX = 2;
/** At 256 a group this is 16 groups: what the database clears in a fraction of a second, or does not. */
const QUEUE_MEMBERS_MAX = 4_096;
/** What waits is held in memory, and a member of a thousand rows takes a megabyte of it. */
const QUEUE_WEIGHT_MAX = 65_536;
/** A member that has not begun by then is refused: its client hears 503 within a second, and nothing was written. */
const QUEUE_WAIT_MAX_MS = 800;
const QUEUE_CHECK_MS = 100;
/** At 500/s a group gathers for 8 ms, at 1,100/s and more for 20: less than what it saves the requests in waiting for each other. */
const PACE = { quiet_per_s: 100, gather_ms_per_rate: 0.02, gather_ms_max: 20 };
/**
 * A group that has no answer by then is given up on and its place is free: a connection into nothing must not stop the
 * others. Its members hear 503 and may ask again with their keys; what became of it is told by those.
 */
const COMMIT_WAIT_MAX_MS = 3_000;

interface Waiting<M, R> {
  readonly member: M;
  readonly weight: number;
  readonly since: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

const groupSize = histogram(
  'payflow_acceptance_group_members',
  'Requests that shared one transaction.',
  [],
  [1, 2, 4, 8, 16, 32, 64, 128, 256],
);

/** Lets requests of the same moment share a transaction: a group takes what gathered while the ones before it were busy. */
export class GroupCommit<M, R> {
  readonly #options: GroupCommitOptions<M, R>;
  #queue: Waiting<M, R>[] = [];
  #queuedWeight = 0;
  #inFlight = 0;
  #scheduled = false;
  readonly #pace = new Pace(PACE);
  #watch: NodeJS.Timeout | undefined;

  constructor(options: GroupCommitOptions<M, R>) {
    this.#options = options;
    gauge('payflow_acceptance_queue_members', 'Requests that wait for their transaction.', [], (metric) =>
      metric.set(this.#queue.length),
    );
  }

  /** Adds a member to the next group. Rejects with {@link Overloaded} when too many wait, or this one has waited too long. */
  submit(member: M): Promise<R> {
    if (this.#queue.length >= QUEUE_MEMBERS_MAX || this.#queuedWeight >= QUEUE_WEIGHT_MAX)
      return Promise.reject(new Overloaded('too many requests wait'));
    const weight = this.#options.weight?.(member) ?? 1;
    return new Promise((resolve, reject) => {
      this.#queuedWeight += weight;
      this.#queue.push({ member, weight, since: performance.now(), resolve, reject });
      this.#schedule();
    });
  }

  /** Starts at the end of this turn of the event loop, so that requests read together also go together; when busy, a little later. */
  #schedule(): void {
    if (this.#scheduled) return;
    if (this.#inFlight >= GROUPS_IN_FLIGHT_MAX) {
      this.#watch ??= setInterval(() => this.#refuseOverdue(), QUEUE_CHECK_MS);
      return;
    }
    this.#scheduled = true;
    const start = () => {
      this.#scheduled = false;
      if (this.#queue.length > 0) void this.#run(this.#takeGroup());
      if (this.#queue.length > 0) this.#schedule();
    };
    const rest_ms = this.#queue.length < GROUP_WEIGHT_MAX ? this.#pace.rest_ms(performance.now()) : 0;
    if (rest_ms >= 1) setTimeout(start, rest_ms);
    else setImmediate(start);
  }

  #takeGroup(): Waiting<M, R>[] {
    const group: Waiting<M, R>[] = [];
    const left: Waiting<M, R>[] = [];
    const taken = new Set<string>();
    let weight = 0;
    for (const waiting of this.#queue) {
      const identities = this.#options.identities(waiting.member);
      // What is too heavy for any group goes alone.
      const isFull = group.length > 0 && weight + waiting.weight > GROUP_WEIGHT_MAX;
      if (isFull || identities.some((identity) => taken.has(identity))) {
        left.push(waiting);
        continue;
      }
      weight += waiting.weight;
      for (const identity of identities) taken.add(identity);
      group.push(waiting);
    }
    this.#queuedWeight -= weight;
    this.#queue = left;
    return group;
  }

  async #run(group: readonly Waiting<M, R>[]): Promise<void> {
    this.#inFlight++;
    this.#pace.begin(group.length, performance.now());
    groupSize.observe(group.length);
    try {
      const results = await inTime(this.#options.commit(group.map(({ member }) => member)));
      group.forEach(({ resolve }, at) => resolve(results[at] as R));
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.#inFlight--;
      this.#stopWatching();
      if (this.#queue.length > 0) this.#schedule();
    }
  }

  #refuseOverdue(): void {
    const oldest = performance.now() - QUEUE_WAIT_MAX_MS;
    for (let [first] = this.#queue; first && first.since < oldest; [first] = this.#queue) {
      this.#queue.shift();
      this.#queuedWeight -= first.weight;
      first.reject(new Overloaded('waited too long for a transaction'));
    }
    this.#stopWatching();
  }

  #stopWatching(): void {
    if (this.#queue.length > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Overloaded('the database does not answer')), COMMIT_WAIT_MAX_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
