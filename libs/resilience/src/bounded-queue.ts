import PQueue from 'p-queue';
import { currentDeadline, timeLeft_ms, withDeadline, type Deadline } from './deadline.js';
import { countRefusal, showOldest, showRunning, showWaiting } from './metrics.js';
import { Refused, type RefusalReason } from './refused.js';

export interface BoundedQueueOptions {
  /** Pieces of work at one time. */
  readonly running_max: number;
  /** One more than so many is refused at the door. */
  readonly waiting_max: number;
  /** Who has waited longer leaves: an answer that late helps nobody, and the place is another's. */
  readonly age_max_ms: number;
}

export interface QueuedWork {
  /** Of those that wait, the greater goes first; among equals, who came first. */
  readonly priority?: number;
  readonly deadline?: Deadline | undefined;
  /** Comes when the caller has gone: work that still waits is not begun then. */
  readonly gone?: AbortSignal;
}

const MS_PER_S = 1_000;

/** Work that waits its turn by priority, in a queue with an end: by length, by age, by each caller's deadline. */
export class BoundedQueue {
  readonly #queue: PQueue;
  /** When each of those that wait came, oldest first. */
  readonly #waiting = new Set<{ readonly since_ms: number }>();

  constructor(
    readonly name: string,
    private readonly options: BoundedQueueOptions,
  ) {
    this.#queue = new PQueue({ concurrency: options.running_max });
    showRunning(name, () => this.#queue.pending);
    showWaiting(name, () => this.#queue.size);
    showOldest(name, () => {
      const [oldest] = this.#waiting;
      return oldest ? (performance.now() - oldest.since_ms) / MS_PER_S : 0;
    });
  }

  /** Runs the work in its turn, under the earlier of the given and the present deadline. Throws {@link Refused} when it was not begun. */
  run<T>(work: () => Promise<T>, { priority = 0, deadline, gone }: QueuedWork = {}): Promise<T> {
    const until = Math.min(deadline ?? Infinity, currentDeadline() ?? Infinity);
    if (gone?.aborted) return this.#refuse('caller_gone');
    if (timeLeft_ms(until) === 0) return this.#refuse('deadline_passed');
    const begin = () => (until === Infinity ? work() : withDeadline(until, work));
    if (this.#queue.pending < this.options.running_max) return this.#queue.add(begin);
    if (this.#queue.size >= this.options.waiting_max) return this.#refuse('queue_full');
    return this.#wait(begin, priority, until, gone);
  }

  /** The queue's own signal would also let go of work that is running, and so begin more than it may. */
  #wait<T>(begin: () => Promise<T>, priority: number, until: Deadline, gone?: AbortSignal): Promise<T> {
    const place = { since_ms: performance.now() };
    const leaving = new AbortController();
    const leave = (reason: RefusalReason) => leaving.abort(this.#refusal(reason));
    const { age_max_ms } = this.options;
    const left_ms = timeLeft_ms(until);
    const timer = setTimeout(
      () => leave(left_ms < age_max_ms ? 'deadline_passed' : 'queued_too_long'),
      Math.min(left_ms, age_max_ms),
    );
    const onGone = () => leave('caller_gone');
    gone?.addEventListener('abort', onGone, { once: true });
    const stopWaiting = () => {
      clearTimeout(timer);
      gone?.removeEventListener('abort', onGone);
      this.#waiting.delete(place);
    };
    this.#waiting.add(place);
    const turn = () => {
      stopWaiting();
      return begin();
    };
    return this.#queue.add(turn, { priority, signal: leaving.signal }).finally(stopWaiting);
  }

  #refuse(reason: RefusalReason): Promise<never> {
    return Promise.reject(this.#refusal(reason));
  }

  #refusal(reason: RefusalReason): Refused {
    countRefusal(this.name, reason);
    return new Refused(this.name, reason);
  }
}
