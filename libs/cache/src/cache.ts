import { METRICS } from '@payflow/contracts';
import { counter } from '@payflow/telemetry';
import { LRUCache } from 'lru-cache';
import { jittered, type RedisConnection } from './redis.js';

const requests = counter(METRICS.cacheRequests, 'Reads through a cache, by where they were answered.', [
  'cache',
  'answer',
] as const);

export interface CacheOptions<V> {
  /** Part of every key in Redis, and the label of the metrics. Change it when the value's shape changes. */
  readonly name: string;
  readonly redis: RedisConnection;
  /** Reads the value where it is kept for good; undefined when there is none. Its errors go to the caller. */
  readonly load: (key: string) => Promise<V | undefined>;
  /** How old an answer may be: in this process, and in Redis. The real lives are up to half shorter, so that they do not end together. */
  readonly memoryTtl_ms: number;
  readonly redisTtl_ms: number;
  readonly memoryEntries_max: number;
}

/** What the memory holds; `absent` is remembered too, or a missing key would cost a load each time. */
interface Entry<V extends object> {
  readonly value: V | undefined;
}

/**
 * A read-through cache in two levels: this process's memory, then Redis, then `load`. Loads of one key are shared within
 * the process. With Redis away it is a memory cache; its values must be JSON.
 */
export class Cache<V extends object> {
  readonly #memory: LRUCache<string, Entry<V>>;
  readonly #loading = new Map<string, Promise<Entry<V>>>();

  constructor(private readonly options: CacheOptions<V>) {
    this.#memory = new LRUCache({ max: options.memoryEntries_max });
  }

  /** The value of the key, or undefined when there is none. Rejects only when `load` does. */
  async get(key: string): Promise<V | undefined> {
    const entry = this.#memory.get(key);
    if (entry) {
      this.#count('memory');
      return entry.value;
    }
    return (await this.#shared(key)).value;
  }

  /** Forgets the key here and in Redis; other processes forget it when its life in their memory ends. */
  async forget(key: string): Promise<void> {
    this.#memory.delete(key);
    this.#loading.delete(key);
    await this.options.redis.attempt((redis) => redis.del(this.#redisKey(key)));
  }

  #shared(key: string): Promise<Entry<V>> {
    const running = this.#loading.get(key);
    if (running) return running;
    const loading = this.#fetch(key).then((entry) => {
      // A key forgotten meanwhile must not come back from a load that began before.
      if (this.#loading.get(key) === loading)
        this.#memory.set(key, entry, { ttl: jittered(this.options.memoryTtl_ms) });
      return entry;
    });
    this.#loading.set(key, loading);
    const done = (): void => {
      if (this.#loading.get(key) === loading) this.#loading.delete(key);
    };
    loading.then(done, done);
    return loading;
  }

  async #fetch(key: string): Promise<Entry<V>> {
    const cached = await this.options.redis.attempt((redis) => redis.get(this.#redisKey(key)));
    if (cached) {
      this.#count('redis');
      return { value: JSON.parse(cached) as V };
    }
    const value = await this.options.load(key);
    this.#count(value === undefined ? 'absent' : 'loaded');
    if (value !== undefined) this.#store(key, value);
    return { value };
  }

  #store(key: string, value: V): void {
    const ttl = jittered(this.options.redisTtl_ms);
    void this.options.redis.attempt((redis) => redis.set(this.#redisKey(key), JSON.stringify(value), 'PX', ttl));
  }

  #redisKey(key: string): string {
    return `payflow:${this.options.name}:${key}`;
  }

  #count(answer: 'memory' | 'redis' | 'loaded' | 'absent'): void {
    requests.inc({ cache: this.options.name, answer });
  }
}
