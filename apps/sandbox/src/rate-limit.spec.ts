import { describe, expect, it } from 'vitest';
import { Problem } from './problems.js';
import { RateLimit } from './rate-limit.js';

const limit = { per_second: 2, retry_after_s: 3 };

describe('a rate limit', () => {
  it('lets so many through in each second, and tells the others when to come again', () => {
    const rate = new RateLimit();
    const said = [5_000, 5_100, 5_200, 5_999, 6_000, 6_001, 6_002].map((now) => {
      try {
        rate.check(limit, now);
        return 'yes';
      } catch (error) {
        return (error as Problem).headers['retry-after'];
      }
    });
    expect(said).toEqual(['yes', 'yes', '3', '3', 'yes', 'yes', '3']);
  });

  it('is none when there is none', () => {
    const rate = new RateLimit();
    for (let at = 0; at < 10; at += 1) expect(() => rate.check(null, at)).not.toThrow();
  });
});
