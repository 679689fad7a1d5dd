import type { Answer, LayeredCache } from '@payflow/cache';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** A client may keep what it is given, and asks each time whether that still stands: its ETag makes that cheap. */
const CACHE_CONTROL = 'private, no-cache';

/** Reads through a cache, or past it where the request says `Cache-Control: no-cache`. */
export function readCached<K, V>(request: FastifyRequest, cache: LayeredCache<K, V>, key: K): Promise<Answer<V>> {
  return wantsAnew(request) ? cache.reload(key) : cache.read(key);
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
