import { LRUCache } from 'lru-cache';
import type { MemoryLimits } from './family.js';

/** What is remembered of one key. */
export interface Entry<K, V> {
  /** Only where the family warms: a key may hold more than it is worth keeping. */
  readonly key: K | undefined;
  /** Undefined: there is no such value. */
  readonly value: V | undefined;
  /** When the value was loaded, ms since 1970. */
  readonly at: number;
  /** When it was last known to be right: it came from Redis then, or was loaded then. */
  readonly seenAt: number;
  /** Until when it is fresh in this process. */
  readonly freshUntil: number;
  readonly bytes: number;
  readonly tags: readonly string[];
  /** How often it was read. */
  hits: number;
}

/** A key, its tags and some pointers: what an entry takes beside its value. */
const OVERHEAD_BYTES = 200;

/** One family in this process's memory, bounded by entries and by bytes; the least recently used goes first. */
export class Memory<K, V> {
  readonly #entries: LRUCache<string, Entry<K, V>>;
  readonly #byTag = new Map<string, Set<string>>();

  /** `evicted` is told of each entry that had to make room. */
  constructor({ entries_max, bytes_max }: MemoryLimits, evicted: () => void) {
    this.#entries = new LRUCache({
      max: entries_max,
      maxSize: bytes_max,
      sizeCalculation: ({ bytes }) => bytes + OVERHEAD_BYTES,
      dispose: ({ tags }, name, reason) => {
        if (reason === 'evict') evicted();
        // One that is replaced keeps its place: its tags are the same.
        if (reason !== 'set') this.#unlink(name, tags);
      },
    });
  }

  get entries(): number {
    return this.#entries.size;
  }

  get bytes(): number {
    return this.#entries.calculatedSize;
  }

  get(name: string): Entry<K, V> | undefined {
    return this.#entries.get(name);
  }

  set(name: string, entry: Entry<K, V>): void {
    for (const tag of entry.tags) {
      const names = this.#byTag.get(tag);
      if (names) names.add(name);
      else this.#byTag.set(tag, new Set([name]));
    }
    this.#entries.set(name, entry);
    // One that is larger than the whole memory was not taken.
    if (!this.#entries.has(name)) this.#unlink(name, entry.tags);
  }

  forget(tag: string): void {
    for (const name of this.#byTag.get(tag) ?? []) this.#entries.delete(name);
  }

  /** Deletes the entries that are over. */
  cleanUp(isOver: (entry: Entry<K, V>) => boolean): void {
    // Found first: what is deleted under an iterator is skipped over.
    const over = [...this.#entries].filter(([, entry]) => isOver(entry));
    for (const [name] of over) this.#entries.delete(name);
  }

  clear(): void {
    this.#entries.clear();
    this.#byTag.clear();
  }

  /** The keys that were read most, at most so many. */
  hottest(count: number): readonly K[] {
    return [...this.#entries.values()]
      .filter(({ value }) => value !== undefined)
      .sort((a, b) => b.hits - a.hits)
      .slice(0, count)
      .flatMap(({ key }) => (key === undefined ? [] : [key]));
  }

  #unlink(name: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const names = this.#byTag.get(tag);
      names?.delete(name);
      if (names?.size === 0) this.#byTag.delete(tag);
    }
  }
}
