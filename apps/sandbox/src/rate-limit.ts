import { Problem } from './problems.js';
import type { Settings } from './settings.js';

const SECOND_MS = 1_000;

/** So many requests in each second, counted from its first one. */
export class RateLimit {
  private began = 0;
  private count = 0;

  /** Throws 429 with Retry-After for one too many. */
  check(limit: Settings['rate_limit'], now = performance.now()): void {
    if (limit === null) return;
    if (now - this.began >= SECOND_MS) {
      this.began = now;
      this.count = 0;
    }
    this.count += 1;
    if (this.count > limit.per_second)
      throw new Problem('rate_limited', [], { 'retry-after': String(limit.retry_after_s) });
  }
}
