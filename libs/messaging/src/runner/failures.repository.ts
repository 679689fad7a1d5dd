import { parseTraceparent } from '../trace.js';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { RawRecord } from '../broker/port.js';
import type { Place } from './positions.repository.js';

export interface FailureCause {
  readonly errorClass: string;
  readonly errorMessage: string;
  readonly attempts: number;
}

const DEAD_LETTER = statement(
  'dead-letters.insert',
  `insert into dead_letters (consumer_group, topic, partition, record_offset, event_id, error_class, error_message, attempts,
     first_at, trace_id, record_key, record_value, record_headers)
   values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp(), $9, $10, $11, $12)
   on conflict do nothing`,
);

const SUSPECT = statement(
  'suspects.attempt',
  `insert into suspects as s (consumer_group, topic, partition, record_offset, attempts) values ($1, $2, $3, $4, 1)
   on conflict (consumer_group, topic, partition, record_offset) do update set attempts = s.attempts + 1
   returning attempts`,
);

const CLEARED = statement(
  'suspects.clear',
  `delete from suspects where consumer_group = $1 and topic = $2 and partition = $3 and record_offset <= $4`,
);

/** Values longer than this say nothing more about what is wrong with a record. */
const KEPT_BYTES_MAX = 65_536;

/** Keeps a record that can never be applied, with why. */
export async function keepDeadLetter(tx: Transaction, place: Place, record: RawRecord, eventId: string | null, cause: FailureCause): Promise<void> {
  const traceparent = record.headers['traceparent'];
  await tx.rows(DEAD_LETTER, [
    place.group,
    place.topic,
    place.partition,
    record.offset,
    eventId,
    cause.errorClass,
    cause.errorMessage,
    cause.attempts,
    parseTraceparent(traceparent?.toString())?.traceId ?? null,
    record.key?.subarray(0, KEPT_BYTES_MAX) ?? null,
    record.value?.subarray(0, KEPT_BYTES_MAX) ?? null,
    JSON.stringify(Object.fromEntries(Object.entries(record.headers).slice(0, 64).map(([name, value]) => [name, String(value)]))).replaceAll('\\u0000', ''),
  ]);
}

/** Counts, durably and before it begins, an attempt at a message that may be killing its process. */
export async function countAttempt(db: Database, place: Place, offset: number): Promise<number> {
  const [row] = await db.rows<{ attempts: number }>(SUSPECT, [place.group, place.topic, place.partition, offset]);
  return row?.attempts ?? 1;
}

/** The messages up to the offset are done with: they killed nobody. */
export async function clearSuspects(tx: Transaction, place: Place, offset: number): Promise<void> {
  await tx.count(CLEARED, [place.group, place.topic, place.partition, offset]);
}
