import { METRICS } from '@payflow/contracts';
import { gauge, logger } from '@payflow/telemetry';
import type { ConnectionPool } from './connection-pool.js';
import { acquireSeconds, leakedLeases } from './pool-metrics.js';
import type { Uses } from './pools.js';
import { keepEveryStack } from './taker.js';
import { p99 } from './waits.js';

const log = logger('database');
const usageRatio = gauge(
  METRICS.databasePoolUsage,
  'Share of the connections it may have that were in use over the last second. Above 0.7 for long: give the pool more.',
  ['pool'] as const,
);
const waitP99 = gauge(
  METRICS.databasePoolWaitP99,
  'How long it took to get a connection over the last second, 99th percentile.',
  ['pool'] as const,
);

const ROUND_MS = 1_000;
/** Beyond the longest statement (10 s) and the longest pause inside a transaction (5 s). */
const LEAKED_AFTER_MS = 20_000;

export interface KeeperOptions {
  readonly leakedAfter_ms?: number;
  /** Hears how each pool did, every round. */
  readonly onUse?: (uses: Uses) => void;
}

/** Looks after pools once a second: measures their use, and tells of connections that are not given back. */
export class Keeper {
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly pools: readonly ConnectionPool[],
    private readonly options: KeeperOptions = {},
  ) {
    this.timer = setInterval(() => this.look(), ROUND_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private look(): void {
    const uses = new Map(this.pools.map((pool) => [pool, pool.takeUse()]));
    for (const [{ purpose: pool }, { usage, waits_ms }] of uses) {
      usageRatio.set({ pool }, usage);
      waitP99.set({ pool }, p99(waits_ms) / 1_000);
      for (const wait_ms of waits_ms) acquireSeconds.observe({ pool }, wait_ms / 1_000);
    }
    for (const pool of this.pools) this.tellLeaks(pool);
    this.options.onUse?.(uses);
  }

  private tellLeaks(pool: ConnectionPool): void {
    for (const { held_ms, by } of pool.leaks(this.options.leakedAfter_ms ?? LEAKED_AFTER_MS)) {
      keepEveryStack();
      leakedLeases.inc({ pool: pool.purpose });
      log.error({ pool: pool.purpose, held_ms, by }, 'ALARM: a connection is not given back');
    }
  }
}
