import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
/** What has lasted a while is looked at less often: where many wait, their looks take the time of what they wait for. */
const POLL_SHARE = 0.1;
const POLL_MAX_MS = 100;

type Truthy<T> = Exclude<T, false | null | undefined | 0 | ''>;

/**
 * Waits until the condition gives something truthy, and returns it. Fails at the deadline with what was awaited: a sentence, or one
 * that is made then, of what was seen last.
 */
export async function until<T>(
  what: string | (() => string),
  condition: () => Promise<T> | T,
  deadline_ms = 45_000,
): Promise<Truthy<T>> {
  const begun = performance.now();
  for (;;) {
    const value = await condition();
    if (value) return value as Truthy<T>;
    const waited_ms = performance.now() - begun;
    if (waited_ms > deadline_ms) {
      throw new Error(`still not so after ${deadline_ms} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await delay(Math.min(Math.max(waited_ms * POLL_SHARE, POLL_MS), POLL_MAX_MS));
  }
}
