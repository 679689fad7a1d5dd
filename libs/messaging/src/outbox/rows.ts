import { newUuid } from '@payflow/contracts';
import type { RecordToSend } from '../broker/port.js';
import { encodeRecord } from '../envelope.js';
import type { Envelope } from '../outgoing.js';
import type { OutboxRow } from './outbox.repository.js';
import { tallyOf } from './tally.js';

/** The broker refuses a larger request for ever, so the size is known before COMMIT. */
const ROW_BYTES_MAX = 900_000;
/** Headers and framing of one record, generously. */
const ENVELOPE_BYTES = 1_024;

type Stored = Pick<Envelope, 'message' | 'value'>;

/** Packs finished messages into rows: one per target partition, in order, split where a row would grow too large to send. */
export function packRows(envelopes: readonly Envelope[], now: Date): OutboxRow[] {
  const open = new Map<string, { envelopes: Envelope[]; bytes: number }>();
  const rows: OutboxRow[] = [];
  for (const envelope of envelopes) {
    const target = `${envelope.topic}/${envelope.partition}`;
    const bytes = Buffer.byteLength(envelope.value) + ENVELOPE_BYTES;
    let batch = open.get(target);
    if (batch && batch.bytes + bytes > ROW_BYTES_MAX) {
      rows.push(packRow(batch.envelopes, now));
      batch = undefined;
    }
    if (!batch) open.set(target, (batch = { envelopes: [], bytes: 0 }));
    batch.envelopes.push(envelope);
    batch.bytes += bytes;
  }
  return [...rows, ...[...open.values()].map((batch) => packRow(batch.envelopes, now))];
}

function packRow(envelopes: readonly Envelope[], now: Date): OutboxRow {
  const [first] = envelopes as [Envelope, ...Envelope[]];
  const tally = tallyOf(envelopes.filter(({ counted }) => counted).map(({ message }) => message.id));
  return {
    id: newUuid(),
    created_at: now,
    topic: first.topic,
    partition: first.partition,
    messages: JSON.stringify(envelopes.map(({ message, value }): Stored => ({ message, value }))),
    message_count: envelopes.length,
    counted: tally.messages,
    id_sum: tally.idSum,
  };
}

/** The records of a stored row, byte for byte what was sent, or would have been, the first time. */
export function recordsOf(row: OutboxRow): RecordToSend[] {
  return (JSON.parse(row.messages) as Stored[]).map(({ message, value }) => encodeRecord(message, value));
}
