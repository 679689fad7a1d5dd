import { toUuid } from '@payflow/contracts';

const MODULUS = 2 ** 48;
/** The random end of a UUIDv7: 48 bits, which a double holds exactly, and so does the sum of two. */
const RANDOM_HEX_DIGITS = 12;
const TIME_HEX_DIGITS = 12;
/** A foreign id may hold any 48 bits; a later day than this has no four-digit year. */
const LAST_DAY_MS = Date.UTC(9999, 11, 31);

/** Count and sum of event ids: equal on both sides when, and but for a 2^-48 chance only when, the same ids went by. */
export interface Tally {
  messages: number;
  idSum: number;
}

function addId(tally: Tally, eventId: string): void {
  const uuid = toUuid('event', eventId);
  if (!uuid) throw new TypeError('not an event id');
  tally.messages += 1;
  tally.idSum = (tally.idSum + parseInt(uuid.slice(-RANDOM_HEX_DIGITS), 16)) % MODULUS;
}

export function tallyOf(eventIds: Iterable<string>): Tally {
  const tally: Tally = { messages: 0, idSum: 0 };
  for (const id of eventIds) addId(tally, id);
  return tally;
}

/** Tallies by the UTC day in which each id was made, as `YYYY-MM-DD`. */
export function talliesByDay(eventIds: Iterable<string>): Map<string, Tally> {
  const byDay = new Map<string, Tally>();
  for (const id of eventIds) {
    const day = dayOf(id);
    const tally = byDay.get(day) ?? { messages: 0, idSum: 0 };
    addId(tally, id);
    byDay.set(day, tally);
  }
  return byDay;
}

/** The UTC day inside an event id. */
export function dayOf(eventId: string): string {
  const uuid = toUuid('event', eventId) ?? '';
  const millis = parseInt(uuid.replaceAll('-', '').slice(0, TIME_HEX_DIGITS), 16);
  return new Date(Math.min(millis, LAST_DAY_MS)).toISOString().slice(0, 10);
}
