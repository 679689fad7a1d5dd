import { Bus } from './bus.js';
import { Changes } from './changes.js';
import { packFrame } from './codec.js';
import type { Family } from './family.js';
import { LayeredCache } from './layered-cache.js';
import { LoadLimit, type LoadLimitOptions } from './load-limit.js';
import { DAY_MS, jittered } from './lives.js';
import type { RedisConnection } from './redis.js';
import { newToken, Remote, tokenLife } from './remote.js';
import type { Published, Shared } from './shared.js';
import { steady } from './steady.js';

/** How often it is looked for changes that nobody ended. */
const OVERDUE_INTERVAL_MS = 1_000;
/** How often what is over is taken out of the memories: at most so much longer than its life it takes room. */
const CLEAN_UP_INTERVAL_MS = 30_000;
/** What {@link Caches.changedHere} has to tell the others goes in one message for so long. */
const TELL_AFTER_MS = 20;

export interface CachesOptions {
  readonly redis: RedisConnection;
  readonly url: string;
  /** Before every key and channel: the service's own, which is all that its Redis user may touch. */
  readonly prefix: string;
  readonly loads: LoadLimitOptions;
}

/** All caches of a service: what they share, and what makes them forget. */
export class Caches implements Shared {
  readonly bus: Bus;
  readonly remote: Remote;
  readonly #loads: LoadLimit;
  readonly #families: LayeredCache<never, unknown>[] = [];
  readonly #changes = new Changes();
  #timer: NodeJS.Timeout | undefined;
  #cleaner: NodeJS.Timeout | undefined;
  readonly #toTell = new Set<string>();

  constructor(private readonly options: CachesOptions) {
    this.remote = new Remote(options.redis, options.prefix);
    this.#loads = new LoadLimit(options.loads);
    this.bus = new Bus(
      options.url,
      options.prefix,
      {
        forget: (tags) => this.forgetHere(tags),
        forgetAll: () => this.#dropAll(),
        found: () => void this.#warmFromNotes(),
        lost: () => void this.#warmAll(),
      },
      (tag) => this.remote.tagKey(tag),
      async () => (await this.remote.deleteMatching('tag:*')) !== undefined,
    );
  }

  /** The cache of one family; once per family and service. `limit`: of loads from elsewhere, which must not hold up these. */
  of<K, V>(
    family: Family<K, V>,
    load: (key: K) => Promise<V | undefined>,
    limit?: LoadLimitOptions,
  ): LayeredCache<K, V> {
    const loads = limit ? new LoadLimit(limit) : this.#loads;
    const cache = new LayeredCache(family, this, (key: K) => loads.run(() => load(key)));
    this.#families.push(cache as unknown as LayeredCache<never, unknown>);
    return cache;
  }

  /** Connects in the background, and then loads what was read most when a process last noted it. */
  open(): void {
    this.bus.open();
    this.#timer = setInterval(() => void this.#forgetOverdue(), OVERDUE_INTERVAL_MS).unref();
    this.#cleaner = setInterval(() => this.#cleanUp(), CLEAN_UP_INTERVAL_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
    clearInterval(this.#cleaner);
    this.bus.close();
  }

  /**
   * Says, inside a transaction, that it changes what depends on these tags: until {@link changed}, nobody here is answered
   * from a cache for them. Whoever learns of the COMMIT, however early, reads what it wrote.
   */
  change(tags: readonly string[]): void {
    this.#changes.begin(tags, performance.now());
  }

  /** Ends a {@link change}, after its COMMIT, and forgets. Never rejects. */
  async changed(tags: readonly string[]): Promise<void> {
    const told = this.forget(tags);
    this.#changes.end(tags);
    await told;
  }

  /**
   * As {@link changed}, for tags that nothing in Redis depends on: ends and forgets in this process at once; the others are told
   * with whatever else changes in the next moment, so that many small changes cost one message.
   */
  changedHere(tags: readonly string[]): void {
    this.forgetHere(tags);
    this.#changes.end(tags);
    if (this.#toTell.size === 0) setTimeout(() => this.#tell(), TELL_AFTER_MS).unref();
    for (const tag of tags) this.#toTell.add(tag);
  }

  /**
   * Forgets what depends on these tags: in this process at once, in Redis and in the others when the promise resolves, or as
   * soon as they can be told. After COMMIT. Never rejects.
   */
  async forget(tags: readonly string[]): Promise<void> {
    if (tags.length === 0) return;
    this.forgetHere(tags);
    await this.bus.tell(tags);
  }

  /** Deletes the keys of Redis that match (`account.v1:*`), of this service. Memories keep theirs until their life ends. */
  async forgetMatching(pattern: string): Promise<number | undefined> {
    return this.remote.deleteMatching(pattern);
  }

  isChanging(tags: readonly string[]): boolean {
    return this.#changes.has(tags);
  }

  isTrusted(tags: readonly string[]): boolean {
    const now = steady.now();
    return this.bus.soundSince(now) <= now && !this.bus.owes(tags);
  }

  forgetHere(tags: readonly string[]): void {
    for (const tag of tags) for (const family of this.#families) family.forgetHere(tag);
  }

  publish(tags: readonly string[], { key, at, text }: Published): void {
    const tokens = key.tags.map(newToken);
    void this.bus.tell(tags, (pipeline) => {
      key.tags.forEach((tag, i) => pipeline.set(tag, tokens[i] as string, 'PX', tokenLife(key.life_ms)));
      pipeline.set(key.entry, packFrame({ at, text, tokens }), 'PX', jittered(key.life_ms));
    });
  }

  /** Notes which keys were read most, for the next process that starts. */
  async noteHottest(): Promise<void> {
    for (const family of this.#families) {
      const keys = family.hottest();
      if (keys.length === 0) continue;
      await this.options.redis.attempt((redis) => redis.set(this.#notes(family), JSON.stringify(keys), 'PX', DAY_MS));
    }
  }

  async #warmFromNotes(): Promise<void> {
    for (const family of this.#families) {
      const noted = await this.options.redis.attempt((redis) => redis.get(this.#notes(family)));
      if (noted) await family.warm(listIn(noted));
    }
  }

  /** What this process reads most is still in its memory; Redis has it again before the others ask. */
  async #warmAll(): Promise<void> {
    for (const family of this.#families)
      for (const key of family.hottest()) await family.reload(key).catch(() => undefined);
  }

  #notes({ label }: LayeredCache<never, unknown>): string {
    return `${this.options.prefix}hottest:${label}`;
  }

  async #forgetOverdue(): Promise<void> {
    await this.forget(this.#changes.takeOverdue(performance.now()));
  }

  #tell(): void {
    const tags = [...this.#toTell];
    this.#toTell.clear();
    void this.bus.tell(tags);
  }

  #cleanUp(): void {
    const now = steady.now();
    for (const family of this.#families) family.cleanUp(now);
  }

  #dropAll(): void {
    for (const family of this.#families) family.forgetAllHere();
  }
}

/** What stands in Redis may be anybody's: of what is no list, nothing is loaded. */
function listIn(text: string): never[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? (list as never[]) : [];
  } catch {
    return [];
  }
}
