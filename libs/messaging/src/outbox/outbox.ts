import type { Span } from '@opentelemetry/api';
import type { Database, Transaction } from '@payflow/database';
import { encodeRecord } from '../envelope.js';
import { finish, type AnyOutgoing, type Envelope } from '../outgoing.js';
import { formatTraceparent, startSendSpan, rootTraceparent } from '../trace.js';
import { CLAIM_MS, insertOutbox, insertOutboxAtCommit, republishRow, type OutboxRow } from './outbox.repository.js';
import type { Publisher } from './publisher.js';
import { packRows, type PackedRow } from './rows.js';

/** What one transaction has put into the outbox, to be published once it has committed. */
export interface Staged {
  /** Hands the rows to the lanes. Call after COMMIT, and only then. */
  publish(): void;
}

export interface StagedRows extends Staged {
  readonly rows: readonly OutboxRow[];
}

/** Names the span (or traceparent) a message belongs under. */
type ParentOf = (message: AnyOutgoing) => Span | string | undefined;

/** Messages on their way into the outbox, with what publishing them takes. */
interface Packed {
  readonly rows: readonly PackedRow[];
  readonly spans: readonly Span[];
  readonly expiresAt_ms: number;
}

/** The one way out of a service: rows written with the change they tell of, published from memory after COMMIT. */
export class Outbox {
  constructor(
    private readonly database: Database,
    private readonly publisher: Publisher,
    private readonly partitions: number,
  ) {}

  /** Writes the messages into the transaction's outbox rows now, for a caller that needs the rows in the same transaction. */
  async stage(tx: Transaction, outgoing: readonly AnyOutgoing[], parentOf: ParentOf): Promise<StagedRows> {
    if (outgoing.length === 0) return { rows: [], publish: () => undefined };
    const packed = this.pack(outgoing, [], parentOf);
    const created_at = await insertOutbox(
      tx,
      packed.rows.map(({ row }) => row),
    );
    const rows = packed.rows.map(({ row }): OutboxRow => ({ ...row, created_at }));
    return { rows, publish: () => this.publish(packed, created_at) };
  }

  /**
   * Writes the messages, and envelopes that are finished already (dead letters), into the outbox together with COMMIT. Sizes
   * and schemas are checked here and now; `onInserted` is called when the rows are in, before the transaction has ended.
   */
  stageAtCommit(
    tx: Transaction,
    {
      outgoing,
      finished,
      parentOf,
    }: { outgoing: readonly AnyOutgoing[]; finished: readonly Envelope[]; parentOf: ParentOf },
    onInserted: () => void = () => undefined,
  ): Staged {
    if (outgoing.length + finished.length === 0) return { publish: () => undefined };
    const packed = this.pack(outgoing, finished, parentOf);
    let createdAt: Date | undefined;
    insertOutboxAtCommit(
      tx,
      packed.rows.map(({ row }) => row),
      (created_at) => {
        createdAt = created_at;
        onInserted();
      },
    );
    return { publish: () => this.publish(packed, createdAt as Date) };
  }

  /** Sends a stored row again through the relay; its messages keep their ids. */
  async republish(row: Pick<OutboxRow, 'id' | 'created_at'>): Promise<boolean> {
    return republishRow(this.database, row);
  }

  private pack(outgoing: readonly AnyOutgoing[], finished: readonly Envelope[], parentOf: ParentOf): Packed {
    // Read before the insert: the claim in the row then never ends before ours does.
    const expiresAt_ms = performance.now() + CLAIM_MS;
    const time = new Date().toISOString();
    const spans: Span[] = [];
    const sealed = outgoing.map((message) => this.seal(message, time, parentOf(message), spans));
    return { rows: packRows([...sealed, ...finished]), spans, expiresAt_ms };
  }

  private seal(message: AnyOutgoing, time: string, parent: Span | string | undefined, spans: Span[]): Envelope {
    const inherited =
      typeof parent === 'object'
        ? formatTraceparent(parent.spanContext())
        : (parent ?? message.cause?.traceparent ?? message.origin?.traceparent ?? rootTraceparent());
    const envelope = finish(message, time, inherited, this.partitions);
    const span = startSendSpan(envelope.topic, envelope.message, parent ?? inherited);
    if (!span) return envelope;
    spans.push(span);
    return { ...envelope, message: { ...envelope.message, traceparent: formatTraceparent(span.spanContext()) } };
  }

  private publish({ rows, spans, expiresAt_ms }: Packed, created_at: Date): void {
    let unsettled = rows.length;
    const onSettled = () => {
      if (--unsettled === 0) for (const span of spans) span.end();
    };
    for (const { row, envelopes, bytes } of rows) {
      const records = envelopes.map(({ message, value }) => encodeRecord(message, value));
      const shipment = { row: { id: row.id, created_at }, records, bytes, expiresAt_ms, onSettled };
      this.publisher.offer(row.topic, row.partition, shipment);
    }
  }
}
