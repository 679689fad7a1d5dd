import type { Family } from './family.js';
import { LaterLoads } from './later-loads.js';
import { jittered } from './lives.js';
import { Memory, type Entry } from './memory.js';
import type { Frame } from './codec.js';
import type { Fill, RemoteKey } from './remote.js';
import type { Shared } from './shared.js';
import { Statistics } from './statistics.js';
import { steady } from './steady.js';

/** What a cache answers with. */
export interface Answer<V> {
  readonly value: V | undefined;
  /** How long ago the value was loaded, ms; 0 when it was loaded for this answer. */
  readonly age_ms: number;
}

/** One load at work, and whoever waits for it. */
interface Flight<K, V> {
  readonly tags: readonly string[];
  entry: Promise<Entry<K, V>>;
}

/** The part of its life after which an entry is loaded anew ahead of time. */
const REFRESHED_FROM = 0.8;
/** Of an entry that has no value: a key and little more. */
const ABSENT_BYTES = 0;

/**
 * A family of values, read through two levels: this process's memory, then Redis, then where the values are kept for good.
 * Concurrent reads of a key are one load in this process, and one in the cluster. Rejects only when the load does.
 */
export class LayeredCache<K, V> {
  readonly #memory: Memory<K, V>;
  readonly #flights = new Map<string, Flight<K, V>>();
  readonly #flightsByTag = new Map<string, Set<string>>();
  readonly #later = new LaterLoads<Entry<K, V>>();
  readonly #refreshing = new Set<string>();
  readonly #statistics: Statistics;
  readonly #label: string;

  /** `load`: the value as it is now, or undefined when there is none. Its bounds are its own. */
  constructor(
    private readonly family: Family<K, V>,
    private readonly shared: Shared,
    private readonly load: (key: K) => Promise<V | undefined>,
  ) {
    this.#label = `${family.name}.v${family.version}`;
    this.#memory = new Memory<K, V>(family.memory, () => this.#statistics.evicted());
    const { entries, bytes } = { entries: () => this.#memory.entries, bytes: () => this.#memory.bytes };
    this.#statistics = new Statistics(family.name, () => ({ entries: entries(), bytes: bytes() }));
  }

  /** The value of the key, or undefined when there is none. */
  async get(key: K): Promise<V | undefined> {
    return (await this.#read(key)).value;
  }

  /** The value with its age. `onJoin` is called, at once, where it is another's load that is waited for. */
  async read(key: K, onJoin?: () => void): Promise<Answer<V>> {
    const { value, at } = await this.#read(key, onJoin);
    return { value, age_ms: Math.max(0, steady.now() - at) };
  }

  /** The value as it is now, for who must not be given an older one; the cache has it afterwards. `onJoin` as of {@link read}. */
  async reload(key: K, onJoin?: () => void): Promise<Answer<V>> {
    const [name, tags] = [this.family.keyOf(key), this.family.tagsOf(key)];
    const fetch = () => this.#fetch(key, name, tags, { anew: true });
    const { value } = await this.#later.run(name, () => this.#fly(name, tags, fetch), onJoin);
    return { value, age_ms: 0 };
  }

  /**
   * Write-through: the value that has just become true, for this process and all others. Call it after its COMMIT, in the
   * order of the commits.
   */
  put(key: K, value: V): void {
    const tags = this.family.tagsOf(key);
    const name = this.family.keyOf(key);
    const text = this.family.codec.encode(value);
    const at = steady.now();
    this.shared.forgetHere(tags);
    this.#remember(name, this.#entryOf(key, tags, { value, at, bytes: text.length }));
    if (this.#isRemote) this.shared.publish(tags, { key: this.#remoteKey(name, tags), at: steady.told(at), text });
    else void this.shared.bus.tell(tags);
  }

  /** Loads the keys that are not known yet, in the background of everything else. */
  async warm(keys: readonly K[]): Promise<void> {
    const failed = () => this.#statistics.failed('warm');
    for (const key of keys) await this.get(key).catch(failed);
  }

  /** For {@link Caches}: drops what is too old for any answer, so that it does not take memory until others need it. */
  cleanUp(now: number): void {
    const { whileRevalidate_ms = 0, ifError_ms = 0 } = this.family;
    this.#memory.cleanUp(({ at, freshUntil }) => now >= freshUntil + whileRevalidate_ms && now - at >= ifError_ms);
  }

  /** How many entries this process holds. */
  get kept(): number {
    return this.#memory.entries;
  }

  /** The keys that were read most by this process. */
  hottest(): readonly K[] {
    return this.#memory.hottest(this.family.warm_max ?? 0);
  }

  /** For {@link Caches}: drops what depends on the tag from memory, and what is being loaded will not be kept. */
  forgetHere(tag: string): void {
    this.#memory.forget(tag);
    for (const name of this.#flightsByTag.get(tag) ?? []) this.#flights.delete(name);
  }

  forgetAllHere(): void {
    this.#memory.clear();
    this.#flights.clear();
  }

  get label(): string {
    return this.#label;
  }

  get #isRemote(): boolean {
    return this.family.inRedis ?? true;
  }

  async #read(key: K, onJoin?: () => void): Promise<Entry<K, V>> {
    const name = this.family.keyOf(key);
    const tags = this.family.tagsOf(key);
    if (this.shared.isChanging(tags)) return this.#later.run(name, () => this.#loadUnkept(key, tags), onJoin);
    const entry = this.#memory.get(name);
    const fitness = entry && this.#fitness(entry, steady.now());
    if (entry && fitness) {
      entry.hits++;
      this.#statistics.answered(entry.value === undefined ? 'absent' : fitness === 'stale' ? 'stale' : 'memory');
      if (fitness !== 'fresh') this.#refresh(key, name, tags);
      return entry;
    }
    const flight = this.#flights.get(name);
    if (flight) {
      this.#statistics.answered('joined');
      onJoin?.();
      return flight.entry;
    }
    return this.#fly(name, tags, () => this.#fetch(key, name, tags, { anew: false }));
  }

  /** Whether memory may answer: `refresh` and `stale` want a new value in the background. */
  #fitness(entry: Entry<K, V>, now: number): 'fresh' | 'refresh' | 'stale' | undefined {
    const { memory, whileRevalidate_ms = 0, refreshAhead } = this.family;
    // Without the others' word an entry is believed for less long, and never past its life.
    const sound = this.shared.bus.soundSince(now) <= entry.seenAt;
    if (!sound && now - entry.seenAt >= memory.unheard_ms) return undefined;
    if (now < entry.freshUntil) {
      const hot = refreshAhead && entry.hits >= refreshAhead.hits_min;
      const left = (entry.freshUntil - now) / (entry.freshUntil - entry.seenAt);
      return hot && left <= 1 - REFRESHED_FROM ? 'refresh' : 'fresh';
    }
    return sound && now < entry.freshUntil + whileRevalidate_ms ? 'stale' : undefined;
  }

  #refresh(key: K, name: string, tags: readonly string[]): void {
    if (this.#refreshing.has(name)) return;
    this.#refreshing.add(name);
    const failed = (): void => this.#statistics.failed('refresh');
    const done = (): boolean => this.#refreshing.delete(name);
    void this.#fly(name, tags, () => this.#fetch(key, name, tags, { anew: true }))
      .catch(failed)
      .finally(done);
  }

  /** Makes one load of those that ask for a key meanwhile, unless one of its tags is forgotten: who asks then loads again. */
  async #fly(name: string, tags: readonly string[], fetch: () => Promise<Entry<K, V>>): Promise<Entry<K, V>> {
    const flight: Flight<K, V> = { tags, entry: fetch() };
    this.#flights.set(name, flight);
    for (const tag of tags) {
      const names = this.#flightsByTag.get(tag);
      if (names) names.add(name);
      else this.#flightsByTag.set(tag, new Set([name]));
    }
    try {
      const entry = await flight.entry;
      if (this.#flights.get(name) === flight) this.#remember(name, entry);
      return entry;
    } finally {
      if (this.#flights.get(name) === flight) this.#land(name, tags);
      else if (!this.#flights.has(name)) this.#unlink(name, tags);
    }
  }

  #land(name: string, tags: readonly string[]): void {
    this.#flights.delete(name);
    this.#unlink(name, tags);
  }

  #unlink(name: string, tags: readonly string[]): void {
    for (const tag of tags) {
      const names = this.#flightsByTag.get(tag);
      names?.delete(name);
      if (names?.size === 0) this.#flightsByTag.delete(tag);
    }
  }

  async #fetch(key: K, name: string, tags: readonly string[], { anew }: { anew: boolean }): Promise<Entry<K, V>> {
    const remote = this.#isRemote && this.shared.isTrusted(tags) ? this.#remoteKey(name, tags) : undefined;
    const started = performance.now();
    const seenAt = steady.now();
    const look = remote && !anew ? await this.shared.remote.look(remote) : undefined;
    const known = look?.frame && this.#decoded(key, tags, look.frame, seenAt);
    if (known) {
      this.#statistics.answered('redis', performance.now() - started);
      return known;
    }
    const fill = remote && (look || anew) ? await this.shared.remote.begin(remote) : undefined;
    const theirs = fill && !fill.leased && !anew ? await this.shared.remote.awaitOther(remote as RemoteKey) : undefined;
    const shared = theirs && this.#decoded(key, tags, theirs, seenAt);
    if (shared) {
      this.#statistics.answered('redis', performance.now() - started);
      return shared;
    }
    const loading = this.#loadAndKeep(key, name, tags, remote && fill ? { remote, fill } : undefined);
    return anew ? loading : loading.catch((error: unknown) => this.#standIn(name, error));
  }

  async #loadAndKeep(
    key: K,
    name: string,
    tags: readonly string[],
    to: { readonly remote: RemoteKey; readonly fill: Fill } | undefined,
  ): Promise<Entry<K, V>> {
    const at = steady.now();
    const value = await this.#timed(key).catch((error: unknown) => {
      if (to) void this.shared.remote.store(to.remote, to.fill, undefined);
      throw error;
    });
    const kept = value !== undefined && (this.family.keeps?.(value) ?? true);
    const text = kept ? this.family.codec.encode(value) : undefined;
    if (to)
      void this.shared.remote.store(to.remote, to.fill, text === undefined ? undefined : { at: steady.told(at), text });
    this.#statistics.answered(value === undefined ? 'absent' : 'loaded');
    const entry = this.#entryOf(key, tags, { value, at, bytes: text?.length ?? ABSENT_BYTES });
    return kept || value === undefined ? entry : { ...entry, freshUntil: 0 };
  }

  async #timed(key: K): Promise<V | undefined> {
    const started = performance.now();
    try {
      return await this.load(key);
    } catch (error) {
      this.#statistics.failed('load');
      throw error;
    } finally {
      this.#statistics.loaded(performance.now() - started);
    }
  }

  /** An entry that is too old, where the load failed and the family would rather have that than nothing. */
  #standIn(name: string, error: unknown): Entry<K, V> {
    const entry = this.#memory.get(name);
    if (!entry || !this.#mayStandIn(entry)) throw error;
    this.#statistics.answered('stale_on_error');
    return entry;
  }

  async #loadUnkept(key: K, tags: readonly string[]): Promise<Entry<K, V>> {
    const at = steady.now();
    const value = await this.#timed(key);
    this.#statistics.answered(value === undefined ? 'absent' : 'loaded');
    return this.#entryOf(key, tags, { value, at, bytes: ABSENT_BYTES });
  }

  #decoded(key: K, tags: readonly string[], { at: told, text }: Frame, seenAt: number): Entry<K, V> | undefined {
    try {
      const at = steady.heard(told);
      const value = this.family.codec.decode(text);
      const entry = this.#entryOf(key, tags, { value, at, bytes: text.length, seenAt });
      return entry.freshUntil > steady.now() ? entry : undefined;
    } catch {
      this.#statistics.failed('decode');
      return undefined;
    }
  }

  #entryOf(
    key: K,
    tags: readonly string[],
    of: { readonly value: V | undefined; readonly at: number; readonly bytes: number; readonly seenAt?: number },
  ): Entry<K, V> {
    const { memory, life_ms, absent_ms = 0, warm_max = 0 } = this.family;
    const seenAt = of.seenAt ?? of.at;
    const life = of.value === undefined ? absent_ms : memory.life_ms;
    const freshUntil = Math.min(seenAt + (life > 0 ? jittered(life) : 0), of.at + life_ms);
    const kept = warm_max > 0 ? key : undefined;
    return { key: kept, tags, value: of.value, at: of.at, bytes: of.bytes, seenAt, freshUntil, hits: 0 };
  }

  /** One whose life is over already may still stand in for a loader that fails. */
  #remember(name: string, entry: Entry<K, V>): void {
    if (entry.freshUntil > steady.now() || (entry.freshUntil > 0 && this.#mayStandIn(entry)))
      this.#memory.set(name, entry);
  }

  #mayStandIn({ value, at }: Entry<K, V>): boolean {
    return value !== undefined && steady.now() - at < (this.family.ifError_ms ?? 0);
  }

  #remoteKey(name: string, tags: readonly string[]): RemoteKey {
    return this.shared.remote.key(this.#label, name, tags, this.family.life_ms);
  }
}
