import type { RawRecord } from '../broker/port.js';
import type { Database } from '@payflow/database';
import { eventIdOf } from './event-id.js';
import { advancePosition, lockPosition, type Place } from './positions.repository.js';
import { ClaimStale, FenceLost } from './stops.js';

/** Past this the row is written though nothing needs it: what is counted as lag is read from there. */
const UNWRITTEN_MS_MAX = 1_000;

/** Records that mean nothing to the reader, passed since its row was last written. */
export interface Unwritten {
  /** The next offset that the row should have. */
  readonly to: number;
  readonly lastEventId: string | null;
}

/**
 * Passing over records has no effect, so it needs no transaction: the place moves in memory, and the row follows with the
 * next batch that has something to apply. A crash between them reads the same records again, and passes over them again.
 */
export class PassedOver {
  private next: number | undefined;
  private lastEventId: string | null = null;
  private writtenAt_ms = 0;

  /** `row` is the row's next offset when it was claimed, and from the first write under the claim what that wrote. */
  constructor(private row: number) {}

  /** The row has been written under this claim and says `next`. */
  wrote(next: number, now_ms: number): void {
    this.row = next;
    this.next = next;
    this.writtenAt_ms = now_ms;
  }

  /** Takes records over that follow directly on what is known. False: they have to go through a transaction. */
  pass(records: readonly RawRecord[], now_ms: number): boolean {
    if (this.next === undefined || now_ms - this.writtenAt_ms > UNWRITTEN_MS_MAX) return false;
    const { next } = this;
    if (records.some(({ offset }, at) => offset !== next + at)) return false;
    this.next = next + records.length;
    this.lastEventId = eventIdOf(records.at(-1) as RawRecord);
    return true;
  }

  /** Whether a batch from this offset on is what the row, as this claim left it, would let through whole. */
  isNext(offset: number): boolean {
    return this.next === offset;
  }

  /**
   * Where the reader stands, given what its row says: the further of the two. Under one epoch this process alone moves the
   * row, and whatever lies below either place is dealt with; a COMMIT whose answer was lost may have moved the row unseen.
   * Throws {@link ClaimStale} where the row says less than it did: the database has gone back (a failover to a replica that was
   * behind, a restore), and what it has lost is read again.
   */
  standsAt(rowNext: number): number {
    if (rowNext < this.row) throw new ClaimStale('database');
    return Math.max(this.next ?? 0, rowNext);
  }

  get unwritten(): Unwritten | undefined {
    const { row, next, lastEventId } = this;
    return next === undefined || row === next ? undefined : { to: next, lastEventId };
  }
}

/** Brings the row of a claim up to where its reader stands. Throws {@link FenceLost} where another process owns it by now, {@link ClaimStale} where it has gone back. */
export async function writePassedOver(
  db: Database,
  place: Place,
  { epoch, passedOver }: { readonly epoch: bigint; readonly passedOver: PassedOver },
): Promise<void> {
  const { unwritten } = passedOver;
  if (!unwritten) return;
  await db.transaction(async (tx) => {
    const position = await lockPosition(tx, place);
    if (position?.epoch !== epoch) throw new FenceLost();
    if (passedOver.standsAt(position.nextOffset) === position.nextOffset) return;
    advancePosition(tx, place, { nextOffset: unwritten.to, lastEventId: unwritten.lastEventId }, new Map());
  });
  passedOver.wrote(unwritten.to, performance.now());
}
