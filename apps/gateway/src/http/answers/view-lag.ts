import { randomUUID } from 'node:crypto';
import type { RedisConnection } from '@payflow/cache';
import { METRICS } from '@payflow/contracts';
import { Repeat, type Messaging } from '@payflow/messaging';
import { gauge, logger } from '@payflow/telemetry';
import type { FastifyInstance } from 'fastify';

const log = logger('view-lag');

/** What lags less is told to nobody: the next read would find it gone. */
const TOLD_FROM_MS = 1_000;
const LOOK_INTERVAL_MS = 500;
/** What another process has said counts for so long: it says it again at each look. */
const SAID_FOR_MS = 2_000;
const HEADER = 'payflow-view-lag';

/**
 * How far the views are behind the owners' events. Each process knows of the partitions that it reads, and tells the others through
 * Redis while it is late; without Redis each tells of its own. No request asks for it: it is known when one comes.
 */
export class ViewLag {
  readonly #process = randomUUID();
  readonly #key: string;
  readonly #round: Repeat;
  #own_ms = 0;
  #others_ms = 0;
  #wasLate = false;

  constructor(
    private readonly messaging: Pick<Messaging, 'lag_ms'>,
    private readonly redis: RedisConnection,
    prefix: string,
  ) {
    this.#key = `${prefix}view-lag`;
    this.#round = new Repeat(
      LOOK_INTERVAL_MS,
      () => this.look(),
      (error) => log.warn({ err: error }, 'the lag of the views could not be told to the others'),
    );
    gauge(METRICS.viewLagSeconds, 'How far the views are behind what this process reads.', [], (metric) =>
      metric.set(this.messaging.lag_ms(Date.now()) / 1_000),
    );
  }

  open(): void {
    this.#round.start();
  }

  async close(): Promise<void> {
    await this.#round.stop();
  }

  /** Milliseconds; 0 where it is not worth telling. */
  get told_ms(): number {
    const lag_ms = Math.max(this.#own_ms, this.#others_ms);
    return lag_ms > TOLD_FROM_MS ? lag_ms : 0;
  }

  /** Looks how late this process is, says so where it is late, and hears of the others. */
  async look(): Promise<void> {
    const now = Date.now();
    this.#own_ms = this.messaging.lag_ms(now);
    const isLate = this.#own_ms > TOLD_FROM_MS;
    const said = await this.redis.attempt(async (redis) => {
      if (isLate) {
        await redis.hset(this.#key, this.#process, `${this.#own_ms} ${now + SAID_FOR_MS}`);
        await redis.pexpire(this.#key, SAID_FOR_MS);
      } else if (this.#wasLate) await redis.hdel(this.#key, this.#process);
      return redis.hgetall(this.#key);
    });
    this.#wasLate = isLate;
    this.#others_ms = latestOf(said ?? {}, this.#process, now);
  }
}

/** The worst of what the other processes say and still stands. */
function latestOf(said: Readonly<Record<string, string>>, own: string, now: number): number {
  const lags = Object.entries(said).map(([process, text]) => {
    const [lag_ms = 0, until = 0] = text.split(' ').map(Number);
    return process !== own && until > now ? lag_ms : 0;
  });
  return Math.max(0, ...lags);
}

/** Says on reads how far the views are behind, while that is more than a second. */
export function tellViewLag(fastify: FastifyInstance, lag: () => ViewLag | undefined): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const told_ms = lag()?.told_ms ?? 0;
    if (told_ms > 0 && (request.method === 'GET' || request.method === 'HEAD') && request.url.startsWith('/api/'))
      void reply.header(HEADER, String(told_ms));
    done();
  });
}
