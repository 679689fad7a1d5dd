import type { Codec } from './codec.js';

/** What a process keeps in its memory of one family. */
export interface MemoryLimits {
  /** How old an entry may be, counted from when it was last known to be right; the real lives are up to half shorter. */
  readonly life_ms: number;
  readonly entries_max: number;
  /** Of the encoded values. */
  readonly bytes_max: number;
  /**
   * How old an entry may be while this process can't hear what others invalidate; 0: the memory is not used then. A family
   * that nobody invalidates has its whole life here.
   */
  readonly unheard_ms: number;
}

/**
 * One kind of cached thing. An answer is never older than `life_ms + whileRevalidate_ms`, whatever fails, unless the
 * loader fails too: then never older than `ifError_ms`.
 */
export interface Family<K, V> {
  /** Part of every key in Redis, and the label of the metrics. */
  readonly name: string;
  /** Raised with every change of the value's shape: old and new processes then share nothing. */
  readonly version: number;
  readonly keyOf: (key: K) => string;
  /** What the value depends on: it is gone as soon as one of these is forgotten. At least one; no commas or newlines. */
  readonly tagsOf: (key: K) => readonly string[];
  readonly codec: Codec<V>;
  /**
   * False where loading costs about what Redis would: each process then has its own, and whoever changes a value may tell the
   * others a little later ({@link Caches.changedHere}). True by default.
   */
  readonly inRedis?: boolean;
  /** How long a value may be used after it was loaded, in memory or in Redis. One of the named lives. */
  readonly life_ms: number;
  readonly memory: MemoryLimits;
  /** How long after its life in memory an entry may still be answered with while it is loaded anew. 0 by default. */
  readonly whileRevalidate_ms?: number;
  /** How old an entry may be that stands in for a loader that fails. 0 by default: the failure is told. */
  readonly ifError_ms?: number;
  /** How long this process remembers that there is no value. 0 by default: where one may come at any moment. */
  readonly absent_ms?: number;
  /** False for a value that must be loaded each time, such as one that is about to change. */
  readonly keeps?: (value: V) => boolean;
  /** Entries read this often are loaded anew in the last fifth of their life, before anybody has to wait. */
  readonly refreshAhead?: { readonly hits_min: number };
  /** How many of the most read keys a process loads when it starts, and when Redis has lost everything. */
  readonly warm_max?: number;
}

/** Where an answer came from. `stale`: past its life, within a stated limit. `absent`: there is no such value. */
export type AnsweredBy = 'memory' | 'redis' | 'loaded' | 'joined' | 'stale' | 'stale_on_error' | 'absent';
