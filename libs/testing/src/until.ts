import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

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
  const end = performance.now() + deadline_ms;
  for (;;) {
    const value = await condition();
    if (value) return value as Truthy<T>;
    if (performance.now() > end) {
      throw new Error(`still not so after ${deadline_ms} ms: ${typeof what === 'string' ? what : what()}`);
    }
    await delay(POLL_MS);
  }
}
