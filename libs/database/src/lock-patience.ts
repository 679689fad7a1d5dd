import { setTimeout as delay } from 'node:timers/promises';
import { sqlState } from './errors.js';

/** What has to lock a table does it for a moment, or not at all this time: nobody waits behind it for longer. */
export const LOCK_TIMEOUT = '500ms';
const ATTEMPTS_MAX = 120;
const JITTER_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';

/** Nobody tries any further: it has no SQLSTATE, by which whoever runs this would. */
export class NoLock extends Error {
  constructor(cause: unknown) {
    super(
      'a table in use could not be locked for two minutes; what reads it for so long (a dump, a report) has to end first',
      {
        cause,
      },
    );
  }
}

/** Does it again, a little later, where a table in use could not be locked within the time. Throws {@link NoLock} after two minutes of that. */
export async function untilLocked<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const state = sqlState(error);
      if (state !== LOCK_NOT_AVAILABLE && state !== DEADLOCK_DETECTED) throw error;
      if (attempt >= ATTEMPTS_MAX) throw new NoLock(error);
    }
    await delay(Math.random() * JITTER_MS);
  }
}
