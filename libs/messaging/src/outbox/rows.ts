import { newUuid } from '@payflow/contracts';
import type { RecordToSend } from '../broker/port.js';
import { encodeRecord } from '../envelope.js';
import type { Envelope } from '../outgoing.js';
import type { NewOutboxRow, OutboxRow } from './outbox.repository.js';
import { tallyOf } from './tally.js';

/** The broker refuses a larger request for ever, so the size is known before COMMIT. */
const ROW_BYTES_MAX = 900_000;
/** Names of the headers and the record's own framing. */
const FRAMING_BYTES = 512;
/** UTF-8 takes at most this for each unit of a JavaScript string. */
const BYTES_PER_UNIT_MAX = 3;

interface Stored {
  readonly message: Envelope['message'];
  readonly value: unknown;
}

/** A row to insert, with the messages it holds and the size of their request. */
export interface PackedRow {
  readonly row: NewOutboxRow;
  readonly envelopes: readonly Envelope[];
  readonly bytes: number;
}

/** Packs finished messages into rows: one per target partition, in order, split where a row would grow too large to send. */
export function packRows(envelopes: readonly Envelope[]): PackedRow[] {
  const open = new Map<string, { envelopes: Envelope[]; bytes: number }>();
  const full: PackedRow[] = [];
  for (const envelope of envelopes) {
    const target = `${envelope.topic}/${envelope.partition}`;
    const bytes = sizeOf(envelope);
    let batch = open.get(target);
    if (batch && batch.bytes + bytes > ROW_BYTES_MAX) {
      full.push(packRow(batch.envelopes, batch.bytes));
      batch = undefined;
    }
    if (!batch) open.set(target, (batch = { envelopes: [], bytes: 0 }));
    batch.envelopes.push(envelope);
    batch.bytes += bytes;
  }
  return [...full, ...[...open.values()].map((batch) => packRow(batch.envelopes, batch.bytes))];
}

/** Upper bound of a record's bytes in a request. */
function sizeOf({ message, value }: Envelope): number {
  const { type, subject, tenant, key, causationId, correlationId, actor, traceparent = '', tracestate = '' } = message;
  const context = [type, type, subject, tenant, key, causationId, correlationId, actor, traceparent, tracestate];
  const units = context.reduce((sum, text) => sum + text.length, 0);
  return Buffer.byteLength(value) + units * BYTES_PER_UNIT_MAX + FRAMING_BYTES;
}

function packRow(envelopes: readonly Envelope[], bytes: number): PackedRow {
  const [first] = envelopes as [Envelope, ...Envelope[]];
  const tally = tallyOf(envelopes.filter(({ counted }) => counted).map(({ message }) => message.id));
  const row: NewOutboxRow = {
    id: newUuid(),
    topic: first.topic,
    partition: first.partition,
    messages: `[${envelopes.map(stored).join(',')}]`,
    message_count: envelopes.length,
    counted: tally.messages,
    id_sum: tally.idSum,
  };
  return { row, envelopes, bytes };
}

/** The value is JSON already and goes in as it is; quoting it once more would cost more than everything else here. */
function stored({ message, value }: Envelope): string {
  return `{"message":${JSON.stringify(message)},"value":${value}}`;
}

/** The records of a stored row, byte for byte what was sent, or would have been, the first time. */
export function recordsOf(row: OutboxRow): RecordToSend[] {
  return (JSON.parse(row.messages) as Stored[]).map(({ message, value }) =>
    encodeRecord(message, JSON.stringify(value)),
  );
}
