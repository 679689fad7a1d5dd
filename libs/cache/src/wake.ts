import { Redis } from 'ioredis';
import { connectionOptions, type RedisConnection } from './redis.js';

export type WakeListener = () => void;

/** Ids per message; a larger batch goes out in several. */
const IDS_MAX = 1_000;

/**
 * "Something about these ids has changed": told to every process, and to waiters in this one. Fire and forget: whoever
 * waits must also look by itself, because Redis may be away.
 */
export class Wake {
  readonly #listeners = new Map<string, Set<WakeListener>>();
  readonly #subscriber: Redis;

  constructor(
    private readonly redis: RedisConnection,
    url: string,
    private readonly channel: string,
  ) {
    // A connection that subscribes can do nothing else. ioredis subscribes again by itself after each reconnect.
    this.#subscriber = new Redis(url, {
      ...connectionOptions(`${channel}-subscriber`),
      enableOfflineQueue: true,
      maxRetriesPerRequest: null,
    });
    this.#subscriber.on('error', () => undefined);
    this.#subscriber.on('message', (_channel: string, ids: string) => this.wakeHere(ids.split(',')));
  }

  /** Connects and subscribes in the background, and goes on trying. */
  open(): void {
    this.#subscriber.connect().catch(() => undefined);
    this.#subscriber.subscribe(this.channel).catch(() => undefined);
  }

  /** Calls the listener at each wake-up of the id, until the returned function is called. */
  listen(id: string, listener: WakeListener): () => void {
    const set = this.#listeners.get(id) ?? new Set();
    this.#listeners.set(id, set.add(listener));
    return () => {
      set.delete(listener);
      if (set.size === 0) this.#listeners.delete(id);
    };
  }

  /** Wakes the waiters in this process. */
  wakeHere(ids: readonly string[]): void {
    for (const id of ids) this.#listeners.get(id)?.forEach((listener) => listener());
  }

  /** Wakes the waiters in this process at once and those of the others over Redis. Ids must not contain commas. */
  wake(ids: readonly string[]): void {
    this.wakeHere(ids);
    for (let at = 0; at < ids.length; at += IDS_MAX) {
      const message = ids.slice(at, at + IDS_MAX).join(',');
      void this.redis.attempt((redis) => redis.publish(this.channel, message));
    }
  }

  close(): void {
    this.#subscriber.disconnect();
  }
}
