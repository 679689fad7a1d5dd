import { deadLetterTopic, newId, type Group } from '@payflow/contracts';
import type { RawRecord } from '../broker/port.js';
import type { Envelope } from '../outgoing.js';
import { parseTraceparent } from '../trace.js';
import { eventIdOf } from './event-id.js';
import type { FailureCause } from './dead-letter.repository.js';
import type { Place } from './positions.repository.js';
import { storableHeaders, storableText } from './storable.js';

/** Dead-letter topics are read by people and tools, not by partition: one is enough. */
export const DEAD_LETTER_PARTITIONS = 1;

/** The copy must itself pass the broker, base64 and all; the reader's database has the record whole. */
const COPIED_BYTES_MAX = 131_072;
const FIELD_LENGTH_MAX = 255;
const REASON_LENGTH_MAX = 500;

/** The copy of a record for the reader's dead-letter topic: where it came from, what is wrong, and its bytes. */
export function deadLetter(place: Place, record: RawRecord, cause: FailureCause, now: Date): Envelope {
  const id = newId('event');
  const headers = storableHeaders(record);
  const header = (name: string) => headers[name]?.toString().slice(0, FIELD_LENGTH_MAX);
  const time = now.toISOString();
  return {
    topic: deadLetterTopic(place.group as Group),
    partition: 0,
    counted: false,
    message: {
      id,
      type: 'payflow.deadletter.v1',
      subject: header('ce_subject') ?? 'unknown',
      tenant: header('ce_tenant') ?? '',
      livemode: header('ce_livemode') === 'true',
      key: `${place.topic}/${place.partition}/${record.offset}`,
      aggregateVersion: 0,
      causationId: eventIdOf(record) ?? id,
      correlationId: header('ce_correlationid') ?? id,
      actor: `runner/${place.group}`,
      time,
      traceparent: parseTraceparent(header('traceparent')) && header('traceparent'),
      tracestate: undefined,
    },
    value: JSON.stringify({
      origin: { topic: place.topic, partition: place.partition, offset: record.offset, timestamp: record.timestamp },
      error: {
        class: storableText(cause.errorClass, REASON_LENGTH_MAX),
        message: storableText(cause.errorMessage, REASON_LENGTH_MAX),
      },
      attempts: cause.attempts,
      first_at: cause.firstAt?.toISOString() ?? time,
      last_at: time,
      trace_id: parseTraceparent(header('traceparent'))?.traceId ?? null,
      record: { ...copied('key', record.key), ...copied('value', record.value), headers },
    }),
  };
}

/** `{key_base64, key_bytes}`: the length tells when the copy is cut. */
function copied(field: 'key' | 'value', bytes: Buffer | null): Record<string, unknown> {
  return {
    [`${field}_base64`]: bytes?.subarray(0, COPIED_BYTES_MAX).toString('base64') ?? null,
    [`${field}_bytes`]: bytes?.length ?? null,
  };
}
