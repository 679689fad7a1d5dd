import { createHash } from 'node:crypto';
import type { RedisConnection } from '@payflow/cache';
import { METRICS } from '@payflow/contracts';
import { counter } from '@payflow/telemetry';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { REDIS_PREFIX } from '../cache/gateway-caches.js';
import type { Settled } from './sliding-count.js';

const settled = counter(
  METRICS.rateSettled,
  'Counts of requests that were settled among the processes, by who kept them.',
  ['by'] as const,
);

export const WINDOW_S = 60;
/** Who uses less of a limit than this is not counted in memory beside: nothing depends on it, and there are many. */
const INSURED_FROM = 0.1;

/**
 * The library's window begins with a subject's first request and forgets all at its end, so that twice the limit passes about it.
 * In this one what the window before counted fades evenly: two counts and their window, in one value. It answers how many there
 * are, and in how many ms there is room for one more. By the clock of Redis, which all processes share.
 */
const SLIDING = `
local time = redis.call('time')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local window, limit = ARGV[2] * 1000, tonumber(ARGV[3])
local slot = math.floor(now / window)
local into = now - slot * window
local current, before = 0, 0
local at, counted, faded = string.match(redis.call('get', KEYS[1]) or '', '^(%d+) (%d+) (%d+)$')
if tonumber(at) == slot then current, before = tonumber(counted), tonumber(faded)
elseif tonumber(at) == slot - 1 then before = tonumber(counted) end
current = math.max(0, current + ARGV[1])
redis.call('set', KEYS[1], string.format('%d %d %d', slot, current, before), 'PX', 2 * window)
local used = current + before * (1 - into / window)
local wait = 0
if used + 1 > limit then
  if current + 1 <= limit then wait = window * (1 - (limit - 1 - current) / before) - into
  else wait = window - into + window * (1 - (limit - 1) / current) end
end
return { math.ceil(used), math.ceil(math.max(0, wait)) }
`;

/**
 * A limit's counts in Redis, insured in this process's memory: what it has counted itself within the minute is never less than
 * what Redis says, so that a Redis that comes and goes loses nothing, and without one it goes on from what was heard last.
 */
export class RateStore {
  readonly #redis: RateLimiterRedis;
  readonly #insurance: RateLimiterMemory;

  constructor(
    connection: RedisConnection,
    name: string,
    private readonly limit: number,
  ) {
    const options = { keyPrefix: `${REDIS_PREFIX}rate:${name}`, points: limit, duration: WINDOW_S };
    this.#redis = new RateLimiterRedis({
      ...options,
      storeClient: clientOf(connection),
      customIncrTtlLuaScript: SLIDING,
    });
    this.#insurance = new RateLimiterMemory(options);
  }

  /** Adds what was counted since the last time, less what was taken back; `known`: how many there were by then. Never rejects. */
  async settle(subject: string, counted: number, known: number): Promise<Settled> {
    // By what there was, where some are taken back: what was counted here is lowered here, too.
    const most = Math.max(known, known + counted);
    const own = most / this.limit >= INSURED_FROM ? await this.#insurance.penalty(subject, counted) : UNINSURED;
    try {
      const { consumedPoints, msBeforeNext } = await this.#redis.penalty(subject, counted);
      settled.inc({ by: 'redis' });
      if (own.consumedPoints <= consumedPoints) return { used: consumedPoints, wait_ms: msBeforeNext };
      return this.#insured(own.consumedPoints, own);
    } catch {
      settled.inc({ by: 'memory' });
      return this.#insured(Math.max(own.consumedPoints, known + counted), own);
    }
  }

  #insured(used: number, { msBeforeNext }: RateLimiterRes): Settled {
    return { used, wait_ms: used >= this.limit ? msBeforeNext : 0 };
  }
}

const UNINSURED = new RateLimiterRes(0, 0, 0, true);

const NOT_LOADED = /^NOSCRIPT/;

/** As much of a client as the library uses, over a connection that gives up in 50 ms, and at once while Redis is away. */
function clientOf(connection: RedisConnection): object {
  let sha = '';
  let script = '';
  return {
    defineCommand: (_name: string, { lua }: { readonly lua: string }) => {
      script = lua;
      sha = createHash('sha1').update(lua).digest('hex');
    },
    rlflxIncr: async ([key, ...values]: readonly string[]): Promise<unknown> => {
      const answer = await connection.attempt((redis) =>
        redis.evalsha(sha, 1, key as string, ...values).catch((error: Error) => {
          if (!NOT_LOADED.test(error.message)) throw error;
          return redis.eval(script, 1, key as string, ...values);
        }),
      );
      if (answer === undefined) throw new Error('Redis does not answer');
      return answer;
    },
  };
}
