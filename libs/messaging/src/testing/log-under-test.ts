import { statement } from '@payflow/database';
import type { ReaderKit } from '@payflow/testing';
import type { RawRecord, RecordBatch, RecordToSend } from '../broker/port.js';
import type { SubscriptionHandlers } from '../runner/handler.js';
import { PartitionRunner } from '../runner/partition.js';
import { glance, type Place } from '../runner/positions.repository.js';
import { Suspects } from '../runner/suspects.js';
import { readerOf } from '../runner/unit.js';

const CONTROL = { resolve: () => undefined, heartbeat: () => Promise.resolve(), isCurrent: () => true };
const MOVE = statement(
  'spec.move-to-the-start',
  'update positions set next_offset = 0, last_event_id = null, epoch = epoch + 1 where consumer_group = $1 and partition = 0',
);

/** A process that reads the partition. */
export interface LogReader {
  /** All that is new; the first time it only takes the partition over. */
  read(): Promise<void>;
  /** Carries out what operators asked for, and ends. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

/** One partition whose log is what a spec says it is, and processes that read it when they are told to. */
export class LogUnderTest {
  readonly place: Place;
  private records: RawRecord[] = [];

  constructor(private readonly kit: ReaderKit) {
    this.place = { group: kit.group, topic: kit.topic, partition: 0 };
  }

  /** Returns the offset of the last one. */
  append(...records: readonly RecordToSend[]): number {
    for (const { key, value, headers } of records)
      this.records.push({ offset: this.records.length, key: bytes(key), value: bytes(value), headers, timestamp: '0' });
    return this.records.length - 1;
  }

  /** The log is gone, and an operator has the reader begin at the start of what comes in its place. */
  async makeAnew(...records: readonly RecordToSend[]): Promise<void> {
    this.records = [];
    this.append(...records);
    await this.moveToStart();
  }

  async moveToStart(): Promise<void> {
    await this.kit.db.rows(MOVE, [this.kit.group]);
  }

  start(handlers: SubscriptionHandlers): LogReader {
    const { kit, place } = this;
    let next = 0;
    const runner = new PartitionRunner(place, {
      reader: readerOf(kit.group, kit.db, kit.messaging().outbox, handlers),
      consumer: { pause: () => undefined, resume: () => undefined, seek: (_, offset) => (next = offset) },
      logBounds: async () => ({ start: 0, end: this.records.length }),
      onProgress: () => undefined,
      suspects: new Suspects(),
    });
    return {
      read: () => runner.onBatch(this.batchFrom(next), { ...CONTROL, resolve: (offset) => void (next = offset + 1) }),
      finish: async () => {
        const [row] = await glance(kit.db, place.group, place.topic);
        runner.onGlance(row);
        await runner.close();
      },
      close: () => runner.close(),
    };
  }

  private batchFrom(first: number): RecordBatch {
    const { topic, partition } = this.place;
    return { topic, partition, highWatermark: this.records.length, records: this.records.slice(first) };
  }
}

function bytes(content: string | Buffer | null): Buffer | null {
  return typeof content === 'string' ? Buffer.from(content) : content;
}
