import type { Answer, LayeredCache } from '@payflow/cache';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { stepAside } from '../../load/admission.js';

/** A client may keep what it is given, and asks each time whether that still stands: its ETag makes that cheap. */
const CACHE_CONTROL = 'private, no-cache';

/** What waits for another's read is a request and nothing more: as many as writes that wait for their outcome. */
const ASIDE_MAX = 10_000;
let aside = 0;

/**
 * Reads through a cache, or past it where the request says `Cache-Control: no-cache`. Who waits for another's read has nothing to
 * do until that is there, and gives its worker back.
 */
export async function readCached<K, V>(request: FastifyRequest, cache: LayeredCache<K, V>, key: K): Promise<Answer<V>> {
  let isAside = false;
  const onJoin = (): void => {
    if (aside >= ASIDE_MAX) return;
    isAside = true;
    aside++;
    stepAside(request);
  };
  try {
    return await (wantsAnew(request) ? cache.reload(key, onJoin) : cache.read(key, onJoin));
  } finally {
    if (isAside) aside--;
  }
}

/** Says how old the answer is (RFC 9111). */
export function sayAge(reply: FastifyReply, age_ms: number): void {
  void reply.headers({ 'cache-control': CACHE_CONTROL, age: String(Math.floor(age_ms / 1_000)) });
}

/** Beside If-None-Match it means nothing: the Fetch standard adds it there by itself. */
function wantsAnew({ headers }: FastifyRequest): boolean {
  if (headers['if-none-match'] !== undefined) return false;
  return /(^|[\s,])no-(cache|store)\b/i.test(headers['cache-control'] ?? '');
}
