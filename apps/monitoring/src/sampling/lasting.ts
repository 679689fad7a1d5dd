import type { TallyMismatch } from '@payflow/invariants';

interface Seen {
  readonly since_ms: number;
  readonly rounds: number;
}

const LASTING_MS = 30_000;
const LASTING_ROUNDS = 2;

/**
 * What is on its way looks like a difference between sent and received, and changes from look to look; what is lost or
 * doubled stays. So only a difference that is exactly the same for 30 s and two looks counts. While traffic flows, today's
 * difference never stands still: a loss then shows in the first quiet half minute, or with the end of the day.
 */
export class Lasting {
  private seen = new Map<string, Seen>();

  /** The mismatches that have lasted. */
  look(mismatches: readonly TallyMismatch[], now_ms: number): TallyMismatch[] {
    const seen = new Map<string, Seen>();
    const lasting = mismatches.filter((mismatch) => {
      const key = JSON.stringify(mismatch);
      const before = this.seen.get(key);
      const entry = { since_ms: before?.since_ms ?? now_ms, rounds: (before?.rounds ?? 0) + 1 };
      seen.set(key, entry);
      return entry.rounds >= LASTING_ROUNDS && now_ms - entry.since_ms >= LASTING_MS;
    });
    this.seen = seen;
    return lasting;
  }
}
