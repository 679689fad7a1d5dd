import { Problem } from '@payflow/service';
import type { Write } from '../../acceptance/acceptable.js';

/** Most events have 64 KiB, and say more than their command does: counters of accounts, versions, times. */
export const COMMAND_BYTES_MAX = 60_000;
/** The event of a thousand legs and 1,200 accounts is 463 kB without its metadata; a group's event has 512 KiB. */
export const GROUP_METADATA_BYTES_MAX = 32_768;
/**
 * Of less than this nothing can come that is too large, and nearly every body is less: metadata is written in no more bytes
 * than it was sent in, and all that a command adds (100 conditions with their nulls, ids, times) is under 10 kB.
 */
const MEASURED_FROM_BYTES = GROUP_METADATA_BYTES_MAX;

/**
 * Throws where the command, or the event that answers it, would be larger than a message may be. Said here because nothing
 * can be said later: acceptance would fail for ever, and the owner's event would be parked.
 */
export function refuseOversized(write: Write, bodyBytes: number): void {
  if (bodyBytes < MEASURED_FROM_BYTES) return;
  if (write.kind === 'group') refuseAbove(GROUP_METADATA_BYTES_MAX, 'The metadata', write.command.metadata);
  else refuseAbove(COMMAND_BYTES_MAX, 'The request', write.command);
}

function refuseAbove(bytes_max: number, what: string, value: object): void {
  if (Buffer.byteLength(JSON.stringify(value)) > bytes_max) {
    throw new Problem('payload_too_large', { detail: `${what} must be at most ${bytes_max} bytes as JSON in UTF-8.` });
  }
}
