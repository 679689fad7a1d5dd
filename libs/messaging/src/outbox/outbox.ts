import type { Span } from '@opentelemetry/api';
import type { Database, Transaction } from '@payflow/database';
import { encodeRecord } from '../envelope.js';
import { finish, type AnyOutgoing, type Envelope } from '../outgoing.js';
import { formatTraceparent, startSendSpan } from '../trace.js';
import { CLAIM_MS, insertOutbox, republishRow, type OutboxRow } from './outbox.repository.js';
import type { Publisher } from './publisher.js';
import { packRows, type PackedRow } from './rows.js';

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
  async stage(
    tx: Transaction,
    outgoing: readonly AnyOutgoing[],
    parentOf: (message: AnyOutgoing) => Span | string | undefined,
  ): Promise<Staged> {
    return this.stageEnvelopes(tx, outgoing, [], parentOf);
  }

  /** {@link stage}, with envelopes that are finished already (dead letters). */
  async stageEnvelopes(
    tx: Transaction,
    outgoing: readonly AnyOutgoing[],
    finished: readonly Envelope[],
    parentOf: (message: AnyOutgoing) => Span | string | undefined,
  ): Promise<Staged> {
    if (outgoing.length + finished.length === 0) return NOTHING;
    // Read before the insert: the claim in the row then never ends before ours does.
    const expiresAt_ms = performance.now() + CLAIM_MS;
    const time = new Date().toISOString();
    const spans: Span[] = [];
    const sealed = outgoing.map((message) => this.seal(message, time, parentOf(message), spans));
    const packed = packRows([...sealed, ...finished]);
    const created_at = await insertOutbox(
      tx,
      packed.map(({ row }) => row),
    );
    const rows = packed.map(({ row }): OutboxRow => ({ ...row, created_at }));
    return { rows, publish: () => this.publish(packed, created_at, expiresAt_ms, spans) };
  }

  /** Sends a stored row again through the relay; its messages keep their ids. */
  async republish(row: Pick<OutboxRow, 'id' | 'created_at'>): Promise<boolean> {
    return republishRow(this.database, row);
  }

  private seal(message: AnyOutgoing, time: string, parent: Span | string | undefined, spans: Span[]): Envelope {
    const inherited =
      typeof parent === 'object'
        ? formatTraceparent(parent.spanContext())
        : (parent ?? message.cause?.traceparent ?? message.origin?.traceparent);
    const envelope = finish(message, time, inherited, this.partitions);
    const span = startSendSpan(envelope.topic, envelope.message, parent ?? inherited);
    if (!span) return envelope;
    spans.push(span);
    return { ...envelope, message: { ...envelope.message, traceparent: formatTraceparent(span.spanContext()) } };
  }

  private publish(packed: readonly PackedRow[], created_at: Date, expiresAt_ms: number, spans: readonly Span[]): void {
    let unsettled = packed.length;
    const onSettled = () => {
      if (--unsettled === 0) for (const span of spans) span.end();
    };
    for (const { row, envelopes, bytes } of packed) {
      const records = envelopes.map(({ message, value }) => encodeRecord(message, value));
      const shipment = { row: { id: row.id, created_at }, records, bytes, expiresAt_ms, onSettled };
      this.publisher.offer(row.topic, row.partition, shipment);
    }
  }
}
