import { setTimeout as delay } from 'node:timers/promises';
import { crashAt } from '@payflow/contracts';
import type { Producer, RecordToSend } from '../broker/port.js';
import type { OutboxRow } from './outbox.repository.js';

/** One outbox row on its way, with the moment (monotonic, ms) after which it belongs to the relay again. */
export interface Shipment {
  readonly row: Pick<OutboxRow, 'id' | 'created_at'>;
  readonly records: readonly RecordToSend[];
  /** Upper bound of what the records take in a request. */
  readonly bytes: number;
  readonly expiresAt_ms: number;
  /** Called once: true when all in-sync replicas have the records, false when they are left to the relay. */
  readonly onSettled?: ((acknowledged: boolean) => void) | undefined;
}

/** Rows waiting in one lane; more are left to the relay, which comes for them when their claim runs out. */
const QUEUE_MAX = 2_000;
const SEND_RECORDS_MAX = 1_000;
/** Several rows share a send only up to here: the broker refuses a larger batch for ever (topics.ts, 1 MiB). */
const SEND_BYTES_MAX = 900_000;
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
  private sendingSince_ms: number | undefined;
  private lastSendAt_ms = -Infinity;
  private closed = false;

  constructor(
    private readonly topic: string,
    private readonly partition: number,
    private readonly producer: Producer,
    private readonly hooks: { onSent(shipments: readonly Shipment[]): void; onFailed(error: unknown): void },
  ) {}

  /** Takes a shipment, or leaves it to the relay when the lane is full or closed. Never blocks. */
  offer(shipment: Shipment): void {
    if (this.queue.length >= QUEUE_MAX) this.dropExpired();
    if (this.closed || this.queue.length >= QUEUE_MAX) return shipment.onSettled?.(false);
    this.queue.push(shipment);
    if (!this.running) void this.run();
  }

  /** Drops what is queued: the relay sends it through another producer. */
  close(): void {
    this.closed = true;
    for (const shipment of this.queue.splice(0)) shipment.onSettled?.(false);
  }

  get idle(): boolean {
    return !this.running;
  }

  /** For how long the outstanding send has been under way, ms; 0 where there is none. */
  sending_ms(now_ms: number): number {
    return this.sendingSince_ms === undefined ? 0 : now_ms - this.sendingSince_ms;
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
    this.dropExpired();
    const shipments = this.take();
    if (shipments.length === 0) return;
    this.sendingSince_ms = performance.now();
    try {
      await this.send(shipments.flatMap(({ records }) => records));
    } catch (error) {
      for (const shipment of shipments) shipment.onSettled?.(false);
      throw error;
    } finally {
      this.sendingSince_ms = undefined;
    }
    this.lastSendAt_ms = performance.now();
    this.hooks.onSent(shipments);
    for (const shipment of shipments) shipment.onSettled?.(true);
  }

  private async send(records: readonly RecordToSend[]): Promise<void> {
    const acknowledged = this.producer.send(this.topic, this.partition, records);
    crashAt('produce-sent');
    await acknowledged;
    crashAt('produce-acknowledged');
  }

  /** What has expired may be on its way through another process by now. */
  private dropExpired(): void {
    const now_ms = performance.now();
    const expired = this.queue.filter(({ expiresAt_ms }) => expiresAt_ms <= now_ms);
    if (expired.length === 0) return;
    this.queue = this.queue.filter(({ expiresAt_ms }) => expiresAt_ms > now_ms);
    for (const shipment of expired) shipment.onSettled?.(false);
  }

  /** The next shipments, in order, up to one send's worth; at least one. */
  private take(): Shipment[] {
    let records = 0;
    let bytes = 0;
    const end = this.queue.findIndex((shipment, at) => {
      records += shipment.records.length;
      bytes += shipment.bytes;
      return at > 0 && (records > SEND_RECORDS_MAX || bytes > SEND_BYTES_MAX);
    });
    return this.queue.splice(0, end < 0 ? this.queue.length : end);
  }
}
