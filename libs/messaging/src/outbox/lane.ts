import { setTimeout as delay } from 'node:timers/promises';
import { crashAt } from '@payflow/contracts';
import type { Producer, RecordToSend } from '../broker/port.js';
import type { OutboxRow } from './outbox.repository.js';

/** One outbox row on its way, with the moment (monotonic, ms) after which it belongs to the relay again. */
export interface Shipment {
  readonly row: Pick<OutboxRow, 'id' | 'created_at'>;
  readonly records: readonly RecordToSend[];
  readonly expiresAt_ms: number;
  /** Called once, when all in-sync replicas have the records. */
  readonly onAcknowledged?: (() => void) | undefined;
}

/** Rows waiting in one lane; more are left to the relay, which comes for them when their claim runs out. */
const QUEUE_MAX = 2_000;
const SEND_RECORDS_MAX = 1_000;
/** While sends follow each other closely, waiting this long doubles their size and so halves their cost. */
const BUSY_LINGER_MS = 5;
const BUSY_GAP_MS = 5;

/**
 * The one way into one partition: a single send outstanding, taking with it whatever gathered meanwhile.
 * (kafkajs loses acknowledged records when a send spans partitions or two are outstanding while a broker dies.)
 */
export class Lane {
  private queue: Shipment[] = [];
  private running = false;
  private lastSendAt_ms = 0;
  private closed = false;

  constructor(
    private readonly topic: string,
    private readonly partition: number,
    private readonly producer: Producer,
    private readonly hooks: { onSent(shipments: readonly Shipment[]): void; onFailed(error: unknown): void },
  ) {}

  /** Takes a shipment, or leaves it to the relay when the lane is full or closed. Never blocks. */
  offer(shipment: Shipment): boolean {
    if (this.closed || this.queue.length >= QUEUE_MAX) return false;
    this.queue.push(shipment);
    if (!this.running) void this.run();
    return true;
  }

  /** Drops what is queued: the relay sends it through another producer. */
  close(): void {
    this.closed = true;
    this.queue = [];
  }

  get idle(): boolean {
    return !this.running;
  }

  private async run(): Promise<void> {
    this.running = true;
    try {
      while (this.queue.length > 0 && !this.closed) {
        if (performance.now() - this.lastSendAt_ms < BUSY_GAP_MS) await delay(BUSY_LINGER_MS);
        await this.sendNext();
      }
    } catch (error) {
      this.close();
      this.hooks.onFailed(error);
    } finally {
      this.running = false;
    }
  }

  private async sendNext(): Promise<void> {
    const shipments = this.take();
    if (shipments.length === 0) return;
    const acknowledged = this.producer.send(this.topic, this.partition, shipments.flatMap(({ records }) => records));
    crashAt('produce-sent');
    await acknowledged;
    crashAt('produce-acknowledged');
    this.lastSendAt_ms = performance.now();
    this.hooks.onSent(shipments);
  }

  /** The next shipments whose claim is still ours, up to one send's worth. */
  private take(): Shipment[] {
    const now_ms = performance.now();
    const taken: Shipment[] = [];
    let records = 0;
    let at = 0;
    for (; at < this.queue.length && records < SEND_RECORDS_MAX; at++) {
      const shipment = this.queue[at] as Shipment;
      if (shipment.expiresAt_ms <= now_ms) continue;
      if (records + shipment.records.length > SEND_RECORDS_MAX && records > 0) break;
      taken.push(shipment);
      records += shipment.records.length;
    }
    this.queue.splice(0, at);
    return taken;
  }
}
