import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;

/** Waits until the condition gives something truthy, and returns it. Fails at the deadline with what was awaited. */
export async function until<T>(
  what: string,
  condition: () => Promise<T> | T,
  deadline_ms = 20_000,
): Promise<NonNullable<T>> {
  const end = performance.now() + deadline_ms;
  for (;;) {
    const value = await condition();
    if (value) return value as NonNullable<T>;
    if (performance.now() > end) throw new Error(`still not so after ${deadline_ms} ms: ${what}`);
    await delay(POLL_MS);
  }
}
