import type { Bus } from './bus.js';
import type { Remote, RemoteKey } from './remote.js';

/** A value that others are to have. */
export interface Published {
  readonly key: RemoteKey;
  readonly at: number;
  readonly text: string;
}

/** What all families of a service share; {@link Caches} is it. */
export interface Shared {
  readonly bus: Bus;
  readonly remote: Remote;
  /** True while a transaction that changes one of the tags may commit, or has and is not told of yet. */
  isChanging(tags: readonly string[]): boolean;
  /** True when what Redis has of these tags may be believed. */
  isTrusted(tags: readonly string[]): boolean;
  forgetHere(tags: readonly string[]): void;
  publish(tags: readonly string[], value: Published): void;
}
