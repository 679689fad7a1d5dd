import { Caches, jsonCodec, LayeredCache, MEDIUM_MS, RedisConnection, SHORT_MS, type Family } from '../index.js';

/** What the caches of the specs keep: a number of a name, which only grows. */
export interface Page {
  readonly name: string;
  readonly version: number;
}

export const PAGES: Family<string, Page> = {
  name: 'page',
  version: 1,
  keyOf: (name) => name,
  tagsOf: (name) => [`page:${name}`],
  codec: jsonCodec<Page>(),
  life_ms: MEDIUM_MS,
  memory: { life_ms: SHORT_MS, entries_max: 1_000, bytes_max: 1_000_000, unheard_ms: 0 },
};

/** Where the pages are kept for good, and how often they were read there. */
export class Shelf {
  readonly pages = new Map<string, number>();
  loads = 0;
  /** What a load waits for before it answers, though it has read by then. */
  slow: Promise<void> | undefined;
  failing = false;

  async load(name: string): Promise<Page | undefined> {
    this.loads++;
    if (this.failing) throw new Error('the shelf is away');
    const version = this.pages.get(name);
    await this.slow;
    return version === undefined ? undefined : { name, version };
  }

  write(name: string): void {
    this.pages.set(name, (this.pages.get(name) ?? 0) + 1);
  }
}

/** One process with a cache of the shelf. */
export class Reader {
  readonly caches: Caches;
  readonly pages: LayeredCache<string, Page>;
  readonly redis: RedisConnection;

  constructor(url: string, prefix: string, shelf: Shelf, family: Family<string, Page> = PAGES) {
    this.redis = new RedisConnection(url, 'spec', 2);
    this.caches = new Caches({
      redis: this.redis,
      url,
      prefix,
      loads: { running_max: 4, waiting_max: 1_000, refuse: () => new Error('too many loads') },
    });
    this.pages = this.caches.of(family, (name) => shelf.load(name));
    this.redis.open();
    this.caches.open();
  }

  /** Whether what Redis has is believed: until it has been heard, the cache does without. */
  get isSound(): boolean {
    return this.caches.isTrusted([]);
  }

  close(): void {
    this.caches.close();
    this.redis.close();
  }
}
