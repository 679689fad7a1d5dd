import { setImmediate as nextTurn } from 'node:timers/promises';

/** Of ten thousand things so many are done in one turn of the event loop: a few milliseconds, and others get theirs. */
const SLICE_ITEMS = 250;

/** The items in slices, each in a turn of its own. */
export async function* slices<T>(items: readonly T[], size = SLICE_ITEMS): AsyncGenerator<readonly T[]> {
  for (let at = 0; at < items.length; at += size) {
    if (at > 0) await nextTurn();
    yield items.slice(at, at + size);
  }
}
