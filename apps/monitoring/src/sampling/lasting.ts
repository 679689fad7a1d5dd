import { readersCompared, type TallyMismatch } from '@payflow/invariants';
import type { HeldUp } from './held-up.js';

interface Seen {
  readonly since_ms: number;
  readonly rounds: number;
}

/** A difference, since when it has been as it is, and since when that could have been no backlog; undefined while it could. */
interface Difference {
  readonly same: Seen;
  readonly sure: Seen | undefined;
}

/** What has lasted. */
export interface Lasted {
  readonly mismatches: readonly TallyMismatch[];
  /** Why others that have lasted, too, may come to nothing: each reason once. */
  readonly not_comparable: readonly string[];
}

const LASTING_MS = 30_000;
const LASTING_ROUNDS = 2;

/**
 * What is on its way looks like a difference between sent and received, and changes from look to look; what is lost or
 * doubled stays. So only a difference that is exactly the same for 30 s and two looks counts. While traffic flows, today's
 * difference never stands still: a loss then shows in the first quiet half minute, or with the end of the day.
 *
 * In an outage a backlog stands still as well. So nothing counts while it is held up, and not before it has been as it is for as long
 * without.
 */
export class Lasting {
  private seen = new Map<string, Difference>();

  look(mismatches: readonly TallyMismatch[], heldUp: HeldUp, now_ms: number): Lasted {
    const seen = new Map<string, Difference>();
    const reasons = new Set<string>();
    const lasting = mismatches.filter((mismatch) => {
      const key = JSON.stringify(mismatch);
      const before = this.seen.get(key);
      const reason = whyHeldUp(mismatch, heldUp);
      const same = seenAgain(before?.same, now_ms);
      const sure = reason === undefined ? seenAgain(before?.sure, now_ms) : undefined;
      seen.set(key, { same, sure });
      if (reason !== undefined && lasts(same, now_ms)) reasons.add(reason);
      return sure !== undefined && lasts(sure, now_ms);
    });
    this.seen = seen;
    return { mismatches: lasting, not_comparable: [...reasons] };
  }
}

function whyHeldUp({ group }: TallyMismatch, heldUp: HeldUp): string | undefined {
  return readersCompared(group)
    .map(heldUp)
    .find((reason) => reason !== undefined);
}

function seenAgain(before: Seen | undefined, now_ms: number): Seen {
  return { since_ms: before?.since_ms ?? now_ms, rounds: (before?.rounds ?? 0) + 1 };
}

function lasts({ since_ms, rounds }: Seen, now_ms: number): boolean {
  return rounds >= LASTING_ROUNDS && now_ms - since_ms >= LASTING_MS;
}
