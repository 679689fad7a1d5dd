import type { Coding } from './accept-encoding.js';

/** Answers that are sent more than once, with what they were compressed to. Gone with the bytes themselves. */
const kept = new WeakMap<Buffer, Map<Coding, Buffer>>();

/** These very bytes will be sent again: what they are compressed to is worth keeping beside them. */
export function keepCompressed(bytes: Buffer): void {
  if (!kept.has(bytes)) kept.set(bytes, new Map());
}

/** What was kept of them so far, or undefined where nothing is to be. */
export function keptOf(bytes: Buffer): Map<Coding, Buffer> | undefined {
  return kept.get(bytes);
}
