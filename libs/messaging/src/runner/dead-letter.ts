import { deadLetterTopic, newId, type Group } from '@payflow/contracts';
import type { RawRecord } from '../broker/port.js';
import type { Envelope } from '../outgoing.js';
import type { FailureCause } from './failures.repository.js';
import type { Place } from './positions.repository.js';

/** Dead-letter topics are read by people and tools, not by partition: one is enough. */
export const DEAD_LETTER_PARTITIONS = 1;

/** The copy of a record for the reader's dead-letter topic: where it came from, what is wrong, and its exact bytes. */
export function deadLetter(place: Place, record: RawRecord, cause: FailureCause, now: Date): Envelope {
  const id = newId('event');
  const header = (name: string) => record.headers[name]?.toString();
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
      causationId: header('ce_id') ?? id,
      correlationId: header('ce_correlationid') ?? id,
      actor: `runner/${place.group}`,
      time,
      traceparent: header('traceparent'),
      tracestate: undefined,
    },
    value: JSON.stringify({
      origin: { topic: place.topic, partition: place.partition, offset: record.offset, timestamp: record.timestamp },
      error: { class: cause.errorClass, message: cause.errorMessage },
      attempts: cause.attempts,
      at: time,
      record: {
        key_base64: record.key?.toString('base64') ?? null,
        value_base64: record.value?.toString('base64') ?? null,
        headers: Object.fromEntries(Object.entries(record.headers).map(([name, value]) => [name, String(value)])),
      },
    }),
  };
}
