import { hash } from 'node:crypto';
import type { GroupPost } from '@payflow/contracts';

/**
 * SHA-256 of what is asked for under an id that the client chose: equal for whoever asks for the same, whenever and under which
 * key. What the gateway makes up is no part of it.
 */
export function contentHash(...meaning: readonly unknown[]): Buffer {
  return hash('sha256', JSON.stringify(meaning), 'buffer');
}

/** {@link contentHash} of one transfer, alone or in a bulk. */
export function transferHash({ legs, conditions, effective_at, metadata }: Omit<GroupPost, 'id'>): Buffer {
  return contentHash(legs, conditions, effective_at, byName(metadata));
}

/** The members of an object in the order of their names. */
export function byName(members: Readonly<Record<string, unknown>>): [string, unknown][] {
  return Object.entries(members).sort(([a], [b]) => (a < b ? -1 : 1));
}
