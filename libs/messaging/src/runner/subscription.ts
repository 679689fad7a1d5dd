import { PARTITIONS, SUBSCRIPTIONS, crashAt, type Group } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import type { BatchControl, Broker, BrokerAdmin, Consumer, ConsumerListener, RecordBatch } from '../broker/port.js';
import type { Outbox } from '../outbox/outbox.js';
import { batchContext } from './batch.js';
import type { SubscriptionHandlers } from './handler.js';
import { PartitionRunner } from './partition.js';

const log = logger('runner');

const COMMIT_INTERVAL_MS = 1_000;
const WATCHDOG_INTERVAL_MS = 5_000;
/** Without a fetch or a finished transaction for so long, while the broker answers others, the consumer is dead. */
const PROGRESS_TIMEOUT_MS = 60_000;
const FRESH_MS = 15_000;

export interface SubscriptionParts {
  readonly db: Database;
  readonly broker: Broker;
  readonly admin: () => Promise<BrokerAdmin>;
  readonly outbox: Outbox;
  readonly partitions: number;
  /** Ends the process: called when the consumer can make no progress though the broker is there. */
  readonly onDead: (error: Error) => void;
}

/** One consumer group in this process. */
export class Subscription implements ConsumerListener {
  private consumer: Consumer | undefined;
  private readonly runners = new Map<number, PartitionRunner>();
  private readonly reported = new Map<number, number>();
  private timers: NodeJS.Timeout[] = [];
  private progressAt_ms = performance.now();
  private joined = false;

  constructor(
    private readonly group: Group,
    private readonly handlers: SubscriptionHandlers,
    private readonly parts: SubscriptionParts,
  ) {}

  async start(): Promise<void> {
    const { topic, gather_ms } = SUBSCRIPTIONS[this.group];
    this.consumer = await this.parts.broker.consumer({ topic, group: this.group, gather_ms, partitions: this.parts.partitions });
    await this.consumer.run(this);
    this.timers = [
      setInterval(() => void this.report(), COMMIT_INTERVAL_MS),
      setInterval(() => void this.watch(), WATCHDOG_INTERVAL_MS),
    ];
  }

  /** True while the consumer is in its group and speaks to the broker. */
  get ready(): boolean {
    return this.joined && performance.now() - this.progressAt_ms < FRESH_MS;
  }

  async stop(): Promise<void> {
    this.timers.forEach(clearInterval);
    await this.report();
    crashAt('shutdown-drain');
    await this.consumer?.stop();
    await Promise.all([...this.runners.values()].map((runner) => runner.close()));
  }

  onBatch(batch: RecordBatch, control: BatchControl): Promise<void> {
    this.onProgress();
    return this.runner(batch.partition).onBatch(batch, control);
  }

  onJoin(): void {
    this.joined = true;
    this.onProgress();
    for (const [partition, runner] of this.runners) {
      runner.forget();
      this.consumer?.resume(partition);
    }
    this.reported.clear();
  }

  onFetch(): void {
    this.onProgress();
  }

  onCrash(error: Error): void {
    this.parts.onDead(error);
  }

  private onProgress = (): void => {
    this.progressAt_ms = performance.now();
  };

  private runner(partition: number): PartitionRunner {
    let runner = this.runners.get(partition);
    if (!runner) {
      const { db, outbox } = this.parts;
      runner = new PartitionRunner(
        { group: this.group, topic: SUBSCRIPTIONS[this.group].topic, partition },
        {
          db,
          outbox,
          consumer: this.consumer as Consumer,
          handlers: this.handlers,
          batch: batchContext(this.group, outbox, this.handlers.handle),
          logStart: (which) => this.logStart(which),
          onProgress: this.onProgress,
        },
      );
      this.runners.set(partition, runner);
    }
    return runner;
  }

  private async logStart(partition: number): Promise<number> {
    const admin = await this.parts.admin();
    const offsets = await admin.offsets(SUBSCRIPTIONS[this.group].topic);
    const found = offsets.find((offset) => offset.partition === partition);
    if (!found) throw new Error(`partition ${partition} has no offsets`);
    return found.low;
  }

  /** Tells the broker how far we are, for display and lag: positions in the database are what counts. */
  private async report(): Promise<void> {
    const moved = new Map<number, number>();
    for (const [partition, { committed }] of this.runners) {
      if (committed !== undefined && this.reported.get(partition) !== committed) moved.set(partition, committed);
    }
    if (moved.size === 0) return;
    try {
      await this.consumer?.commit(moved);
      crashAt('offset-commit');
      for (const [partition, offset] of moved) this.reported.set(partition, offset);
    } catch (error) {
      log.debug({ err: error, group: this.group }, 'offsets not shown to the broker');
    }
  }

  private async watch(): Promise<void> {
    if (performance.now() - this.progressAt_ms < PROGRESS_TIMEOUT_MS) return;
    try {
      await (await this.parts.admin()).brokers();
    } catch {
      return; // The broker is away: that is waited out.
    }
    this.parts.onDead(new Error(`consumer group ${this.group} made no progress for ${PROGRESS_TIMEOUT_MS} ms`));
  }
}

export function partitionsOf(profile: keyof typeof PARTITIONS): number {
  return PARTITIONS[profile];
}
