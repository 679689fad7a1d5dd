import { setTimeout as delay } from 'node:timers/promises';
import { isSerializationConflict, sqlState } from './errors.js';
import { conflicts } from './pool/pool-metrics.js';

/** A transaction that lost a race to another runs again; one that keeps losing is an error of ours. */
const ATTEMPTS_MAX = 10;
/** About a transaction's length, and what a crowd that has met at one row needs to come apart. */
const PAUSE_MS_FIRST = 2;
const PAUSE_MS_MAX = 100;

/** Runs the transaction again, after a pause, as long as it loses races. Two that met at the same moment must not meet again at the next. */
export async function againAfterConflicts<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      if (!isSerializationConflict(error) || attempt >= ATTEMPTS_MAX) throw error;
      conflicts.inc({ reason: sqlState(error) ?? 'run_again' });
    }
    await delay(pauseAfter(attempt, Math.random()));
  }
}

/** Anything up to a bound that doubles, ms. `chance`: from 0 to 1. */
export function pauseAfter(attempt: number, chance: number): number {
  return chance * Math.min(PAUSE_MS_MAX, PAUSE_MS_FIRST * 2 ** (attempt - 1));
}
