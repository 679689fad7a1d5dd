/** Keys per load; more go in several. */
const KEYS_MAX = 500;

interface Asked<V> {
  readonly resolve: (value: V | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** Answers lookups of the same turn of the event loop with one query. Nothing is kept afterwards. */
export class Coalescer<K, V> {
  #asked = new Map<string, { readonly key: K; readonly by: Asked<V>[] }>();

  constructor(
    private readonly textOf: (key: K) => string,
    private readonly load: (keys: readonly K[]) => Promise<ReadonlyMap<string, V>>,
  ) {}

  /** The value of the key, or undefined when the load did not find it. */
  get(key: K): Promise<V | undefined> {
    return new Promise((resolve, reject) => {
      if (this.#asked.size === 0) setImmediate(() => this.#flush());
      const text = this.textOf(key);
      const asked = this.#asked.get(text) ?? { key, by: [] };
      asked.by.push({ resolve, reject });
      this.#asked.set(text, asked);
    });
  }

  #flush(): void {
    const all = [...this.#asked.entries()];
    this.#asked = new Map();
    for (let at = 0; at < all.length; at += KEYS_MAX) void this.#answer(all.slice(at, at + KEYS_MAX));
  }

  async #answer(
    entries: readonly (readonly [string, { readonly key: K; readonly by: readonly Asked<V>[] }])[],
  ): Promise<void> {
    try {
      const values = await this.load(entries.map(([, { key }]) => key));
      for (const [text, { by }] of entries) for (const { resolve } of by) resolve(values.get(text));
    } catch (error) {
      for (const [, { by }] of entries) for (const { reject } of by) reject(error);
    }
  }
}
