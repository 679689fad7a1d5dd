import { METRICS } from '@payflow/contracts';
import { Breaker, Refused } from '@payflow/resilience';
import { counter, logger, OncePerInterval } from '@payflow/telemetry';
import { Redis, type RedisOptions } from 'ioredis';
import { jittered } from './lives.js';

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
 * A way to Redis that decides nothing: a command that fails, takes longer than 50 ms, or meets an open breaker gives
 * undefined, and the caller goes on without. Nothing queues while Redis is away. Commands take the connections in turns.
 */
export class RedisConnection {
  readonly #clients: readonly Redis[];
  #turn = 0;
  readonly #breaker = new Breaker('redis', { failures_max: FAILURES_MAX, open_ms: OPEN_MS });
  readonly #seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  /** Why there is no connection, as long as there is none. */
  #lost: Error | undefined;

  constructor(url: string, name: string, connections = 1) {
    this.#clients = Array.from({ length: connections }, () => this.#connection(url, name));
  }

  #connection(url: string, name: string): Redis {
    const client = new Redis(url, {
      ...connectionOptions(name),
      commandTimeout: COMMAND_TIMEOUT_MS,
      enableAutoPipelining: true,
    });
    client.on('ready', () => (this.#lost = undefined));
    client.on('error', (error: Error) => {
      this.#lost = error;
      this.#report(error);
    });
    return client;
  }

  /** Connects in the background; commands before that give undefined. */
  open(): void {
    for (const client of this.#clients) client.connect().catch(() => undefined);
  }

  /**
   * The command's result, or undefined when Redis did not answer. Never throws. What one `command` sends goes over one
   * connection, in order.
   */
  async attempt<T>(command: (redis: Redis) => Promise<T>): Promise<T | undefined> {
    const client = this.#next();
    try {
      return await this.#breaker.run(() => command(client));
    } catch (error) {
      const reason = error instanceof Refused ? 'breaker_open' : 'failed';
      errors.inc({ reason });
      if (reason === 'breaker_open') return undefined;
      // Without a connection a command knows nothing of the reason, and would keep it out of the log for a minute.
      if (client.status === 'ready') this.#report(error as Error);
      return undefined;
    }
  }

  /** For readiness: rejects when Redis does not answer, with the reason (a password, a certificate) where one is known. */
  async ping(): Promise<void> {
    await this.#next()
      .ping()
      .catch((error: unknown) => {
        throw this.#lost ?? error;
      });
  }

  close(): void {
    for (const client of this.#clients) client.disconnect();
  }

  #next(): Redis {
    this.#turn = (this.#turn + 1) % this.#clients.length;
    return this.#clients[this.#turn] as Redis;
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
