import { setTimeout as delay } from 'node:timers/promises';

/** What is sent is received within this, the second that listeners gather included. */
const ON_ITS_WAY_MS = 10_000;
const LOOK_AGAIN_MS = 500;

/**
 * What stays of what was found: services that run always have something on its way between them, so that a difference is a fault
 * only if it lasts. `again` looks at what was found, and at more if it likes to.
 */
export async function lasting<T>(
  found: readonly T[],
  again: (found: readonly T[]) => Promise<readonly T[]>,
): Promise<readonly T[]> {
  const until = performance.now() + ON_ITS_WAY_MS;
  let left = found;
  while (left.length > 0 && performance.now() < until) {
    await delay(LOOK_AGAIN_MS);
    left = await again(left);
  }
  return left;
}
