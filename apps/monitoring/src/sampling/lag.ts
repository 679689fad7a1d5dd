/** One look at a partition's end. */
export interface HighWatermark {
  readonly at_ms: number;
  /** Offset after the newest record. */
  readonly high: number;
}

export interface Lag {
  readonly messages: number;
  /** How long the oldest unread record has been there. */
  readonly seconds: number;
  /** True when that record is older than what we have seen: then it is at least so long. */
  readonly atLeast: boolean;
}

const HISTORY_MS = 30 * 60_000;
const MS_PER_S = 1_000;

/** Adds a look, and forgets what is older than half an hour and does not bear on anything newer. */
export function remember(history: readonly HighWatermark[], look: HighWatermark): HighWatermark[] {
  const last = history.at(-1);
  // A shorter log is another log.
  if (last && look.high < last.high) return [look];
  const previous = history.at(-2);
  // Of a time when nothing came, the beginning and the end say it all.
  const kept =
    previous && last && previous.high === last.high && last.high === look.high ? history.slice(0, -1) : history;
  const from = kept.findIndex(({ at_ms }) => at_ms >= look.at_ms - HISTORY_MS);
  return [...(from < 0 ? [] : kept.slice(from)), look];
}

/**
 * How far a reader at `nextOffset` is behind the newest look. When the oldest unread record came is read off the looks
 * around it, as if records had come evenly in between.
 */
export function lagOf(history: readonly HighWatermark[], nextOffset: number, now_ms: number): Lag {
  const messages = Math.max(0, (history.at(-1)?.high ?? nextOffset) - nextOffset);
  if (messages === 0) return { messages: 0, seconds: 0, atLeast: false };
  const at = history.findIndex(({ high }) => high > nextOffset);
  const [before, after] = [history[at - 1], history[at] as HighWatermark];
  const came_ms = before
    ? before.at_ms + (after.at_ms - before.at_ms) * ((nextOffset - before.high) / (after.high - before.high))
    : after.at_ms;
  return { messages, seconds: Math.max(0, (now_ms - came_ms) / MS_PER_S), atLeast: before === undefined };
}
