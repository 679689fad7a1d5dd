import type { Wake } from '@payflow/cache';
import type { Database } from '@payflow/database';
import { METRICS } from '@payflow/contracts';
import { gauge, logger, OncePerInterval } from '@payflow/telemetry';
import { findReplies, idempotencyKeyOf } from '../database/acceptance.repository.js';
import { keyOf, type ResourceKey } from '../database/keys.js';
import type { Reply } from './acceptable.js';
import { Coalescer } from './coalescer.js';

const log = logger('outcomes');
const seldom = new OncePerInterval(60_000);

/** How often it is looked which waits are due for another look at the database. */
const REREAD_INTERVAL_MS = 100;
/**
 * A wait is looked at after 100, 300, 700 and 1,500 ms and then every 1.6 s: a lost wake-up costs at most as much again as the
 * wait so far. Were all looked at each time, a slow moment would bring the database work in proportion to its slowness.
 */
const PATIENCE_MS_FIRST = 100;
const PATIENCE_MS_MAX = 1_600;

/**
 * Who waits holds no worker, but a connection and some ten kilobytes. Beyond so many, writes are answered 202 at once: at 1,500/s
 * that is six seconds of answers.
 */
const WAITS_MAX = 10_000;

/** A write whose end a request waits for. */
export interface Awaited extends ResourceKey {
  readonly idempotencyKey: string;
}

interface Waiter {
  readonly awaited: Awaited;
  readonly settle: (reply: Reply | undefined) => void;
  /** `performance.now()` of the next look, and how long after it the one that follows. */
  lookAt_ms: number;
  patience_ms: number;
}

/** Listening for the end of one write, from before it is committed until the request is answered. */
export interface Expectation {
  /** The final reply, or undefined when there is none at the deadline. Milliseconds of `performance.now()`. */
  until(deadline: number): Promise<Reply | undefined>;
  /** Stops listening. Must be called once the request needs it no more. */
  forget(): void;
}

/**
 * Brings final replies to the requests that wait for them: from this process's own consumer at once, from another's by a
 * wake-up, and whatever gets lost by reading those that have waited for long together.
 */
export class Outcomes {
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #replies: Coalescer<Awaited, Reply>;
  readonly #timer: NodeJS.Timeout;
  #waits = 0;
  #ending = false;
  #rereading = false;

  constructor(
    db: Database,
    private readonly wake: Wake,
  ) {
    this.#replies = new Coalescer<Awaited, Reply>(idempotencyKeyOf, (keys) => findReplies(db, keys));
    gauge(METRICS.outcomesAwaited, 'Requests that wait for the outcome of their write.', [], (metric) =>
      metric.set(this.#waits),
    );
    this.#timer = setInterval(() => void this.#rereadDue(), REREAD_INTERVAL_MS);
  }

  /** Starts to listen. Call it before COMMIT, or the end may come unheard. */
  expect(awaited: Awaited): Expectation {
    let early: Reply | undefined;
    let settle: Waiter['settle'] = (reply) => (early = reply);
    const waiter: Waiter = {
      awaited,
      settle: (reply) => settle(reply),
      lookAt_ms: performance.now() + PATIENCE_MS_FIRST,
      patience_ms: PATIENCE_MS_FIRST,
    };
    const forget = this.#listen(waiter);
    const until = (deadline: number): Promise<Reply | undefined> =>
      new Promise((resolve, reject) => {
        if (early) return resolve(early);
        const giveUp = (): void => void this.#read(awaited).then(resolve, reject);
        if (this.#ending || this.#waits >= WAITS_MAX || deadline <= performance.now()) return giveUp();
        this.#waits++;
        const timer = setTimeout(() => settle(undefined), deadline - performance.now());
        settle = (reply) => {
          // What comes while the last look is taken counts as well.
          settle = (late) => late && resolve(late);
          this.#waits--;
          clearTimeout(timer);
          if (reply) resolve(reply);
          else giveUp();
        };
      });
    return { until, forget };
  }

  /**
   * The applied replies of this process: handed to waiters here; ids that nobody here waits for are told to the others, after
   * `told`: once those know that what they have cached is void.
   */
  deliver(replies: readonly (readonly [key: ResourceKey, reply: Reply])[], told: Promise<void>): void {
    const elsewhere: string[] = [];
    for (const [key, reply] of replies) {
      const waiters = this.#waiters.get(keyOf(key));
      if (waiters) for (const { settle } of waiters) settle(reply);
      else elsewhere.push(keyOf(key));
    }
    if (elsewhere.length > 0) void told.then(() => this.wake.wake(elsewhere));
  }

  /** Ends all waits now, each after one last look: the process is about to stop. */
  endWaits(): void {
    this.#ending = true;
    for (const waiters of this.#waiters.values()) for (const { settle } of waiters) settle(undefined);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #listen(waiter: Waiter): () => void {
    const key = keyOf(waiter.awaited);
    const set = this.#waiters.get(key) ?? new Set();
    this.#waiters.set(key, set.add(waiter));
    const stopListening = this.wake.listen(key, () => void this.#reread(waiter));
    return () => {
      stopListening();
      set.delete(waiter);
      if (set.size === 0) this.#waiters.delete(key);
    };
  }

  /** One round at a time: a database that answers slowly must not get more to do. */
  async #rereadDue(): Promise<void> {
    if (this.#rereading) return;
    this.#rereading = true;
    const now_ms = performance.now();
    const due = [...this.#waiters.values()].flatMap((waiters) =>
      [...waiters].filter(({ lookAt_ms }) => lookAt_ms <= now_ms),
    );
    for (const waiter of due) {
      waiter.patience_ms = Math.min(PATIENCE_MS_MAX, waiter.patience_ms * 2);
      waiter.lookAt_ms = now_ms + waiter.patience_ms;
    }
    await Promise.all(due.map((waiter) => this.#reread(waiter)));
    this.#rereading = false;
  }

  async #reread(waiter: Waiter): Promise<void> {
    try {
      const reply = await this.#read(waiter.awaited);
      if (reply) waiter.settle(reply);
    } catch (error) {
      seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'replies could not be read; looking again'));
    }
  }

  #read(awaited: Awaited): Promise<Reply | undefined> {
    return this.#replies.get(awaited);
  }
}
