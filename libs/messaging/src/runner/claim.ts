import type { RawRecord } from '../broker/port.js';
import { Beside } from './beside.js';
import type { ClaimedPosition, LockedPosition } from './positions.repository.js';
import { eventIdOf } from './event-id.js';
import { PassedOver } from './passed-over.js';
import { ClaimStale, FenceLost, PartitionStopped } from './stops.js';

/** Claims without progress after which the next messages are suspected of killing the process. */
const SUSPECT_CLAIMS = 2;

/** This process's hold on a partition, until another epoch stands in the database. */
export interface Claim {
  readonly epoch: bigint;
  /** False until the consumer was sent to the position from inside a batch: what it delivers before may be from anywhere. */
  readonly placed: boolean;
  /** What the record before the position must carry, until it has been seen. */
  expectedLastId: string | null;
  /** Records below this offset are applied one at a time, each attempt noted before it begins. */
  readonly suspectBelow: number;
  /** Event ids of dead letters: a copy of one of them that is applied takes its place. */
  readonly dead: Set<string>;
  /** What lies between the row and where this process is. */
  readonly passedOver: PassedOver;
  /** What else this process does under the claim. */
  readonly beside: Beside;
  /** The last batch found nothing parked and nothing waiting: the next one may be expected to find the same. */
  quiet: boolean;
}

/** Where a log begins and ends at the moment. */
export interface LogBounds {
  readonly start: number;
  readonly end: number;
}

/** A claim on the position, and the offset to read from: one before it, to see that it is the same log. Throws where the log does not hold the position. */
export function claimOf(
  position: ClaimedPosition,
  log: LogBounds,
  options: { readonly placed: boolean; readonly suspects_max: number },
): { claim: Claim; readFrom: number } {
  const { epoch, nextOffset, lastEventId, idleClaims, hasSuspects, deadIds } = position;
  if (nextOffset < log.start)
    throw new PartitionStopped('gap_in_log', `position ${nextOffset}, log starts at ${log.start}`);
  refuseShorterLog(nextOffset, log.end);
  const hasPredecessor = nextOffset > log.start && lastEventId !== null;
  const claim: Claim = {
    epoch,
    placed: options.placed,
    expectedLastId: hasPredecessor ? lastEventId : null,
    suspectBelow: hasSuspects || idleClaims >= SUSPECT_CLAIMS ? nextOffset + options.suspects_max : 0,
    dead: new Set(deadIds),
    passedOver: new PassedOver(nextOffset),
    beside: new Beside(),
    quiet: false,
  };
  return { claim, readFrom: hasPredecessor ? nextOffset - 1 : nextOffset };
}

/**
 * The records that are still to be applied, by the position under its lock. Throws where this process, or this log, is
 * not the one the position was written by.
 */
export function fence(
  position: LockedPosition | undefined,
  claim: Claim,
  records: readonly RawRecord[],
  logEnd: number,
): RawRecord[] {
  if (!position || position.epoch !== claim.epoch) throw new FenceLost();
  const nextOffset = claim.passedOver.standsAt(position.nextOffset);
  const first = (records[0] as RawRecord).offset;
  refuseShorterLog(nextOffset, logEnd);
  if (first > nextOffset) throw new PartitionStopped('gap_in_log', `position ${nextOffset}, next record ${first}`);
  // The client was sent back by itself: only a new claim tells whether this is still the same log.
  if (first < nextOffset - 1) throw new ClaimStale('consumer');
  if (claim.expectedLastId !== null) recognise(records, nextOffset, claim.expectedLastId);
  const fresh = records.filter(({ offset }) => offset >= nextOffset);
  const gap = fresh.findIndex(({ offset }, at) => offset !== nextOffset + at);
  if (gap >= 0) throw new PartitionStopped('gap_in_log', `after offset ${nextOffset + gap - 1}`);
  return fresh;
}

function refuseShorterLog(nextOffset: number, logEnd: number): void {
  if (logEnd < nextOffset)
    throw new PartitionStopped('log_shorter_than_position', `position ${nextOffset}, log ends at ${logEnd}`);
}

/** The record before the position must be the one the position was written after: else this is another log. */
function recognise(records: readonly RawRecord[], nextOffset: number, expectedId: string): void {
  const predecessor = records.find(({ offset }) => offset === nextOffset - 1);
  if (predecessor && eventIdOf(predecessor) === expectedId) return;
  throw new PartitionStopped('wrong_record_at_position', `offset ${nextOffset - 1} does not carry ${expectedId}`);
}
