import type { Span } from '@opentelemetry/api';
import type { Database, Transaction } from '@payflow/database';
import type { RecordToSend } from '../broker/port.js';
import { encodeRecord } from '../envelope.js';
import { finish, type AnyOutgoing, type Envelope } from '../outgoing.js';
import { formatTraceparent, startSendSpan } from '../trace.js';
import { CLAIM_MS, insertOutbox, republishRow, type OutboxRow } from './outbox.repository.js';
import type { Publisher } from './publisher.js';
import { packRows } from './rows.js';

/** What one transaction has put into the outbox, to be published once it has committed. */
export interface Staged {
  readonly rows: readonly OutboxRow[];
  /** Hands the rows to the lanes. Call after COMMIT, and only then. */
  publish(): void;
}

const NOTHING: Staged = { rows: [], publish: () => undefined };

/** The one way out of a service: rows written with the change they tell of, published from memory after COMMIT. */
export class Outbox {
  constructor(
    private readonly database: Database,
    private readonly publisher: Publisher,
    private readonly partitions: number,
  ) {}

  /** Writes the messages into the transaction's outbox rows. `parentOf` names the span (or traceparent) each message belongs under. */
  async stage(tx: Transaction, outgoing: readonly AnyOutgoing[], parentOf: (message: AnyOutgoing) => Span | string | undefined): Promise<Staged> {
    return this.stageEnvelopes(tx, outgoing, [], parentOf);
  }

  /** {@link stage}, with envelopes that are finished already (dead letters). */
  async stageEnvelopes(tx: Transaction, outgoing: readonly AnyOutgoing[], finished: readonly Envelope[], parentOf: (message: AnyOutgoing) => Span | string | undefined): Promise<Staged> {
    if (outgoing.length + finished.length === 0) return NOTHING;
    // Read before the insert: the claim in the row then never ends before ours does.
    const expiresAt_ms = performance.now() + CLAIM_MS;
    const now = new Date();
    const spans: Span[] = [];
    const envelopes = [...outgoing.map((message) => this.seal(message, now.toISOString(), parentOf(message), spans)), ...finished];
    const rows = packRows(envelopes, now);
    await insertOutbox(tx, rows);
    return { rows, publish: () => this.publish(rows, envelopes, expiresAt_ms, spans) };
  }

  /** Sends a stored row again through the relay; its messages keep their ids. */
  async republish(row: Pick<OutboxRow, 'id' | 'created_at'>): Promise<boolean> {
    return republishRow(this.database, row);
  }

  private seal(message: AnyOutgoing, time: string, parent: Span | string | undefined, spans: Span[]): Envelope {
    const inherited = typeof parent === 'object' ? formatTraceparent(parent.spanContext()) : (parent ?? message.cause?.traceparent ?? message.origin?.traceparent);
    const envelope = finish(message, time, inherited, this.partitions);
    const span = startSendSpan(envelope.topic, envelope.message, parent ?? inherited);
    if (!span) return envelope;
    spans.push(span);
    return { ...envelope, message: { ...envelope.message, traceparent: formatTraceparent(span.spanContext()) } };
  }

  private publish(rows: readonly OutboxRow[], envelopes: readonly Envelope[], expiresAt_ms: number, spans: readonly Span[]): void {
    const records = recordsByRow(rows, envelopes);
    let unsent = rows.length;
    const onAcknowledged = () => {
      if (--unsent === 0) for (const span of spans) span.end();
    };
    for (const row of rows) {
      this.publisher.offer(row.topic, row.partition, { row, records: records.get(row) ?? [], expiresAt_ms, onAcknowledged });
    }
  }
}

/** Encodes the records of each row from memory; rows hold their target's envelopes in order. */
function recordsByRow(rows: readonly OutboxRow[], envelopes: readonly Envelope[]): Map<OutboxRow, RecordToSend[]> {
  const byTarget = new Map<string, Envelope[]>();
  for (const envelope of envelopes) {
    const target = `${envelope.topic}/${envelope.partition}`;
    const list = byTarget.get(target);
    if (list) list.push(envelope);
    else byTarget.set(target, [envelope]);
  }
  return new Map(
    rows.map((row) => {
      const own = byTarget.get(`${row.topic}/${row.partition}`)?.splice(0, row.message_count) ?? [];
      return [row, own.map(({ message, value }) => encodeRecord(message, value))];
    }),
  );
}
