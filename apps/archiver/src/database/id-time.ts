import { uuidOf } from '@payflow/contracts';

/** Ids with a time outside these are kept, undated. Constant for ever: a duplicate must take the same way as its first copy. */
const FIRST_MS = Date.UTC(2020, 0);
const END_MS = Date.UTC(2100, 0);
const UNDATED = new Date(0);

/** The time inside an event id, which routes the event to its month; 1970-01-01 where no clock of ours can have shown it. */
export function idTimeOf(eventId: string): Date {
  const uuid = uuidOf('event', eventId);
  const time_ms = parseInt(uuid.slice(0, 8) + uuid.slice(9, 13), 16);
  // Only version 7 carries a time there.
  return uuid[14] === '7' && time_ms >= FIRST_MS && time_ms < END_MS ? new Date(time_ms) : UNDATED;
}

/** True for events that lie in no month. */
export function isUndated(idTime: Date): boolean {
  return idTime.getTime() === UNDATED.getTime();
}

/** `YYYY-MM` of an id's time, UTC. */
export function monthOf(idTime: Date): string {
  return idTime.toISOString().slice(0, 7);
}

/** An RFC 3339 instant that Postgres takes, or null: what stands in `ce_time` is the publisher's word only. */
export function instantOf(text: string): Date | null {
  const time = new Date(text);
  const year = time.getUTCFullYear();
  return year >= 1 && year <= 9_999 ? time : null;
}
