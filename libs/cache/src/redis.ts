import { METRICS } from '@payflow/contracts';
import { Breaker, Refused } from '@payflow/resilience';
import { counter, logger, OncePerInterval } from '@payflow/telemetry';
import { Redis, type RedisOptions } from 'ioredis';

export type { Redis };

const log = logger('redis');
const errors = counter(METRICS.redisErrors, 'Commands to Redis that failed or were not tried.', ['reason'] as const);

const COMMAND_TIMEOUT_MS = 50;
const CONNECT_TIMEOUT_MS = 1_000;
const RETRY_DELAY_MIN_MS = 50;
const RETRY_DELAY_MAX_MS = 2_000;
/** Failures in a row after which Redis is left alone for a while, and for how long before one command tries again. */
const FAILURES_MAX = 5;
const OPEN_MS = 1_000;
const REPORT_INTERVAL_MS = 60_000;

/**
 * A connection to Redis that decides nothing: a command that fails, takes longer than 50 ms, or meets an open breaker
 * gives undefined, and the caller goes on without. Nothing queues while Redis is away.
 */
export class RedisConnection {
  readonly #client: Redis;
  readonly #breaker = new Breaker('redis', { failures_max: FAILURES_MAX, open_ms: OPEN_MS });
  readonly #seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  /** Why there is no connection, as long as there is none. */
  #lost: Error | undefined;

  constructor(url: string, name: string) {
    this.#client = new Redis(url, {
      ...connectionOptions(name),
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableAutoPipelining: true,
    });
    this.#client.on('ready', () => (this.#lost = undefined));
    this.#client.on('error', (error: Error) => {
      this.#lost = error;
      this.#report(error);
    });
  }

  /** Connects in the background; commands before that give undefined. */
  open(): void {
    this.#client.connect().catch(() => undefined);
  }

  /** The command's result, or undefined when Redis did not answer. Never throws. */
  async attempt<T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    try {
      return await this.#breaker.run(() => command(this.#client));
    } catch (error) {
      const reason = error instanceof Refused ? 'breaker_open' : 'failed';
      errors.inc({ reason });
      if (reason === 'breaker_open') return undefined;
      // Without a connection a command knows nothing of the reason, and would keep it out of the log for a minute.
      if (this.#client.status === 'ready') this.#report(error as Error);
      return undefined;
    }
  }

  /** For readiness: rejects when Redis does not answer, with the reason (a password, a certificate) where one is known. */
  async ping(): Promise<void> {
    await this.#client.ping().catch((error: unknown) => {
      throw this.#lost ?? error;
    });
  }

  close(): void {
    this.#client.disconnect();
  }

  #report(error: Error): void {
    this.#seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'Redis does not answer; going on without'));
  }
}

/** How every connection of ours behaves: named, no offline queue, back with growing and jittered delays for ever. */
export function connectionOptions(name: string): Omit<RedisOptions, 'replyMapping'> {
  return {
    connectionName: name,
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    retryStrategy: (attempt) => jittered(Math.min(RETRY_DELAY_MIN_MS * 2 ** Math.min(attempt, 10), RETRY_DELAY_MAX_MS)),
  };
}

/** Between half of it and all of it, so that the processes of a restart do not come back in step. */
export function jittered(value: number): number {
  return Math.ceil(value * (0.5 + Math.random() / 2));
}
