import { Pace, type PaceOptions } from './pace.js';

/** Thrown where too many wait, or the database takes too long. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';
}

/** When somebody who waits is refused: what they wait for can be asked again. */
export interface Patience {
  /** So many may wait. */
  readonly members_max: number;
  /** So much may wait: it is held in memory. */
  readonly weight_max: number;
  /** A member that has not begun by then is refused, and nothing of it was written. */
  readonly wait_max_ms: number;
  /**
   * A group that has no answer by then is given up on and its place is free: a connection into nothing must not stop the others.
   * What became of it is not known.
   */
  readonly commit_max_ms: number;
}

export interface GroupCommitOptions<M, R> {
  /** Makes a group durable in one transaction; gives one result per member, in order. A rejection is every member's. */
  readonly commit: (group: readonly M[]) => Promise<readonly R[]>;
  /** Members that share one of these must not be in one group. */
  readonly identities: (member: M) => readonly string[];
  /** How much of a group's room a member takes; 1 where it is absent. */
  readonly weight?: (member: M) => number;
  /** A group's room: beyond it its statements grow, and its fsync is shared by enough. */
  readonly weight_max: number;
  readonly pace: PaceOptions;
  /** Absent: nobody is ever refused. */
  readonly patience?: Patience;
  /** Hears of each group, as it begins, of how many it is. */
  readonly onGroup?: (members: number) => void;
}

/** Two in flight: one fills and parses while the other waits for its fsync. More only makes groups smaller. */
const GROUPS_IN_FLIGHT_MAX = 2;
const QUEUE_CHECK_MS = 100;

interface Waiting<M, R> {
  readonly member: M;
  readonly weight: number;
  readonly since: number;
  readonly resolve: (result: R) => void;
  readonly reject: (error: unknown) => void;
}

/** Lets what comes in the same moment share a transaction: a group takes what gathered while the ones before it were busy. */
export class GroupCommit<M, R> {
  readonly #options: GroupCommitOptions<M, R>;
  #queue: Waiting<M, R>[] = [];
  #queuedWeight = 0;
  #inFlight = 0;
  #scheduled = false;
  readonly #pace: Pace;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: GroupCommitOptions<M, R>) {
    this.#options = options;
    this.#pace = new Pace(options.pace);
  }

  /** How many wait for their group. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Adds a member to the next group. With {@link Patience}, rejects with {@link Overloaded} when that is at its end. */
  submit(member: M): Promise<R> {
    const { patience } = this.#options;
    if (patience && (this.#queue.length >= patience.members_max || this.#queuedWeight >= patience.weight_max))
      return Promise.reject(new Overloaded('too many requests wait'));
    const weight = this.#options.weight?.(member) ?? 1;
    return new Promise((resolve, reject) => {
      this.#queuedWeight += weight;
      this.#queue.push({ member, weight, since: performance.now(), resolve, reject });
      this.#schedule();
    });
  }

  /** Starts at the end of this turn of the event loop, so that what came together also goes together; when busy, a little later. */
  #schedule(): void {
    if (this.#scheduled) return;
    if (this.#inFlight >= GROUPS_IN_FLIGHT_MAX) {
      const { patience } = this.#options;
      if (patience) this.#watch ??= setInterval(() => this.#refuseOverdue(patience), QUEUE_CHECK_MS);
      return;
    }
    this.#scheduled = true;
    const start = () => {
      this.#scheduled = false;
      if (this.#queue.length > 0) void this.#run(this.#takeGroup());
      if (this.#queue.length > 0) this.#schedule();
    };
    const rest_ms = this.#queue.length < this.#options.weight_max ? this.#pace.rest_ms(performance.now()) : 0;
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
      const isFull = group.length > 0 && weight + waiting.weight > this.#options.weight_max;
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
    const { commit, patience, onGroup } = this.#options;
    onGroup?.(group.length);
    try {
      const committing = commit(group.map(({ member }) => member));
      const results = await (patience ? inTime(committing, patience.commit_max_ms) : committing);
      group.forEach(({ resolve }, at) => resolve(results[at] as R));
    } catch (error) {
      for (const { reject } of group) reject(error);
    } finally {
      this.#inFlight--;
      this.#stopWatching();
      if (this.#queue.length > 0) this.#schedule();
    }
  }

  #refuseOverdue({ wait_max_ms }: Patience): void {
    const oldest = performance.now() - wait_max_ms;
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

async function inTime<T>(work: Promise<T>, max_ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Overloaded('the database does not answer')), max_ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
