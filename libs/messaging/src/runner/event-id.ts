import type { RawRecord } from '../broker/port.js';
import { storableText } from './storable.js';

const EVENT_ID_LENGTH_MAX = 255;

/** The event id in a record's header as text that can be stored, whatever bytes it is made of. */
export function eventIdOf({ headers }: RawRecord): string | null {
  const id = headers['ce_id']?.toString();
  return id === undefined ? null : storableText(id, EVENT_ID_LENGTH_MAX);
}
