import { logger } from '@payflow/telemetry';
import type { Uses } from './pools.js';
import type { PoolName } from './connection-pool.js';
import { Sizing } from './sizing.js';
import { p99 } from './waits.js';

const log = logger('database');

/** Carries out what {@link Sizing} decides, and says why. `overflow`: connections to lend beyond those that the pools keep. */
export function sizer(overflow: number): (uses: Uses) => void {
  const floors = new Map<PoolName, number>();
  let sizing: Sizing | undefined;
  return (uses) => {
    for (const pool of uses.keys()) if (!floors.has(pool.purpose)) floors.set(pool.purpose, pool.max);
    sizing ??= new Sizing(overflow + [...floors.values()].reduce((sum, floor) => sum + floor, 0));
    const sized = [...uses].map(([{ purpose, max, status }, { waits_ms, ...use }]) => {
      const floor = floors.get(purpose) ?? max;
      return { purpose, size: max, floor, open: status.total, wait_p99_ms: p99(waits_ms), ...use };
    });
    for (const { purpose, from, to, reason } of sizing.resize(sized)) {
      for (const pool of uses.keys()) if (pool.purpose === purpose) pool.resize(to);
      log.info({ pool: purpose, from, to, reason }, 'a pool of connections has another size');
    }
  };
}
