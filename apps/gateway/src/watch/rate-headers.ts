import { WINDOW_S } from './rate-store.js';
import type { Taken } from './sliding-count.js';

/**
 * `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers says: lists of structured fields (RFC 9651), each a
 * policy by its name with the quota `q` of a window `w`, or with what is left `r` and the seconds `t` until all is.
 */
export function policyItem(name: string, quota: number): string {
  return `"${name}";q=${quota};w=${WINDOW_S}`;
}

export function leftItem(name: string, { left, wait_ms }: Taken): string {
  return `"${name}";r=${left};t=${wait_ms > 0 ? secondsOf(wait_ms) : WINDOW_S}`;
}

/** Whole seconds, as Retry-After wants them: never less than it takes. */
export function secondsOf(wait_ms: number): number {
  return Math.max(1, Math.ceil(wait_ms / 1_000));
}
