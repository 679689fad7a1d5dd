import { setTimeout as delay } from 'node:timers/promises';
import { METRICS, crashAt } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { OncePerInterval, counter, logger } from '@payflow/telemetry';
import type { Broker, Producer } from '../broker/port.js';
import { Lane, type Shipment } from './lane.js';
import { markPublished } from './outbox.repository.js';
import { Troubles } from './troubles.js';

const log = logger('publisher');
const sentMessages = counter(METRICS.producerMessages, 'Messages acknowledged by all in-sync replicas.', ['topic']);
const failedSends = counter(METRICS.producerErrors, 'Sends that threw, each with its producer discarded.', ['topic']);

/** Acknowledged rows are marked together: a mark lost in a crash costs one duplicate, which every reader expects. */
const MARK_DELAY_MS = 50;
const MARK_ROWS_MAX = 500;
const RECONNECT_DELAY_MS = 250;
/** An acknowledgement takes milliseconds; a send that takes so long is one that the client repeats, or that nobody answers. */
const SLOW_SEND_MS = 1_000;
const REPORT_INTERVAL_MS = 10_000;
/** A broker that does not answer must not hold up the drain. */
const PRODUCER_CLOSE_MS = 1_000;

/**
 * All lanes of one process, over one producer at a time. After any send that throws, that producer and all its lanes
 * are discarded: kafkajs rolls its sequence back, and its next send is acknowledged with another record's offset.
 */
export class Publisher {
  private producer: Producer | undefined;
  private connecting: Promise<void> | undefined;
  private lanes = new Map<string, Lane>();
  private readonly troubles = new Troubles();
  private acknowledged: Shipment['row'][] = [];
  private markTimer: NodeJS.Timeout | undefined;
  private marking: Promise<void> = Promise.resolve();
  private closed = false;
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);

  constructor(
    private readonly broker: Broker,
    private readonly database: Database,
  ) {}

  /** True while there is a producer to send through. */
  get connected(): boolean {
    return this.producer !== undefined;
  }

  /** Partitions, as `topic/partition`, that take nothing at present: a send to them does not end, or they have failed and rest. */
  get troubled(): string[] {
    const now_ms = performance.now();
    const slow = [...this.lanes].filter(([, lane]) => lane.sending_ms(now_ms) > SLOW_SEND_MS).map(([name]) => name);
    return [...new Set([...slow, ...this.troubles.resting(now_ms)])];
  }

  /** Connects in the background; until then everything offered stays in the outbox for the relay. */
  start(): void {
    if (this.closed || this.connecting || this.producer) return;
    this.connecting = this.connect().finally(() => {
      this.connecting = undefined;
    });
  }

  /**
   * Offers a committed row to its lane; while there is no producer it is left to the relay. So is what can only fail once more: each
   * failure costs all lanes their producer.
   */
  offer(topic: string, partition: number, shipment: Shipment): void {
    const isHopeless = this.troubles.isHopeless(`${topic}/${partition}`, performance.now());
    if (this.producer && !isHopeless) return this.lane(topic, partition, this.producer).offer(shipment);
    this.start();
    shipment.onSettled?.(false);
  }

  /** Waits for what is being sent, marks it, and closes. What is still queued stays in the outbox. */
  async close(deadline_ms: number): Promise<void> {
    this.closed = true;
    const until = performance.now() + deadline_ms;
    while ([...this.lanes.values()].some((lane) => !lane.idle) && performance.now() < until) await tick();
    for (const lane of this.lanes.values()) lane.close();
    await this.mark();
    const { producer } = this;
    this.producer = undefined;
    await Promise.race([producer?.close().catch(() => undefined), tick(PRODUCER_CLOSE_MS)]);
  }

  private async connect(): Promise<void> {
    while (!this.closed && !this.producer) {
      try {
        const producer = await this.broker.producer();
        if (this.closed) await producer.close();
        else this.producer = producer;
      } catch (error) {
        this.seldom.run((suppressed) => log.warn({ err: error, suppressed }, 'no producer yet'));
        await tick(RECONNECT_DELAY_MS);
      }
    }
  }

  private lane(topic: string, partition: number, producer: Producer): Lane {
    const name = `${topic}/${partition}`;
    let lane = this.lanes.get(name);
    if (!lane) {
      lane = new Lane(topic, partition, producer, {
        onSent: (shipments) => {
          this.troubles.ended(name);
          this.onSent(topic, shipments);
        },
        onFailed: (error) => {
          // Whose sends fail after the first have failed with its producer.
          if (this.producer === producer) this.troubles.failed(name, performance.now());
          this.discard(topic, producer, error);
        },
      });
      this.lanes.set(name, lane);
    }
    return lane;
  }

  private onSent(topic: string, shipments: readonly Shipment[]): void {
    for (const shipment of shipments) {
      this.acknowledged.push(shipment.row);
      sentMessages.inc({ topic }, shipment.records.length);
    }
    if (this.acknowledged.length >= MARK_ROWS_MAX) void this.mark();
    else this.markTimer ??= setTimeout(() => void this.mark(), MARK_DELAY_MS);
  }

  private discard(topic: string, producer: Producer, error: unknown): void {
    failedSends.inc({ topic });
    if (this.producer !== producer) return;
    log.warn({ err: error, topic }, 'send failed; making a new producer, the relay repeats what is unmarked');
    this.producer = undefined;
    for (const lane of this.lanes.values()) lane.close();
    this.lanes = new Map();
    void producer.close().catch(() => undefined);
    this.start();
  }

  private async mark(): Promise<void> {
    clearTimeout(this.markTimer);
    this.markTimer = undefined;
    const rows = this.acknowledged.splice(0);
    if (rows.length === 0) return;
    // One after the other, so that closing can wait for the last.
    this.marking = this.marking
      .then(() => markPublished(this.database, rows))
      .then(
        () => crashAt('outbox-mark'),
        (error: unknown) => log.warn({ err: error, rows: rows.length }, 'rows stay unmarked and will be sent again'),
      );
    await this.marking;
  }
}

function tick(ms = 5): Promise<void> {
  return delay(ms, undefined, { ref: false });
}
