import { SUBSCRIPTIONS, crashAt, type Group } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';
import { OncePerInterval, logger } from '@payflow/telemetry';
import { consumerOptions } from '../broker/head-start.js';
import type { BatchControl, Broker, BrokerAdmin, Consumer, ConsumerListener, RecordBatch } from '../broker/port.js';
import { countParked } from '../parking/parking.repository.js';
import type { Outbox } from '../outbox/outbox.js';
import { Repeat } from '../repeat.js';
import type { LogBounds } from './claim.js';
import { countDeadLetters } from './dead-letter.repository.js';
import type { SubscriptionHandlers } from './handler.js';
import { Leaders } from './leaders.js';
import { deadLetters, overdueCommands, parkedMessages, untellSetAside } from './metrics.js';
import { PartitionRunner } from './partition.js';
import type { PartitionControl } from './pause.js';
import { glance } from './positions.repository.js';
import { countOverdueWaiting } from './sequence.repository.js';
import { NoLeader } from './stops.js';
import type { Suspects } from './suspects.js';
import { readerOf, type Reader } from './unit.js';

const log = logger('runner');

const COMMIT_INTERVAL_MS = 1_000;
const GLANCE_INTERVAL_MS = 1_000;
const MEASURE_INTERVAL_MS = 5_000;
const LEADERS_INTERVAL_MS = 5_000;
const REPORT_INTERVAL_MS = 30_000;
const WATCHDOG_INTERVAL_MS = 5_000;
/** Without a heartbeat or a finished transaction for so long, while broker and database answer others, the consumer is dead. */
const PROGRESS_TIMEOUT_MS = 60_000;
const FRESH_MS = 15_000;
const REOPEN_DELAY_MS = 1_000;
/** The first batch after a join claims by itself within milliseconds, if there is one. */
const JOIN_SETTLE_MS = 1_500;
/** Half the session: a process that was stopped for longer must hear from the broker before it claims anything unasked. */
const MEMBER_FRESH_MS = 5_000;
/** Time never refuses a command that waits for its predecessor; it alarms. */
const WAITING_ALARM_MS = 30_000;
/** Together below what the service's drain has left after its HTTP server has closed. */
const STOP_BATCHES_MS = 4_000;
const STOP_COMMIT_MS = 500;
const STOP_LEAVE_MS = 1_500;

const PING = statement('runner.ping', 'select 1');

export interface SubscriptionParts {
  readonly db: Database;
  readonly broker: Broker;
  readonly admin: () => Promise<BrokerAdmin>;
  readonly outbox: Outbox;
  readonly partitions: number;
  /** Ends the process: called when the consumer can make no progress though broker and database are there. */
  readonly onDead: (error: Error) => void;
  /** The whole process's. */
  readonly suspects: Suspects;
}

/** One consumer group in this process. Outlives any outage, and any consumer: a crashed one is replaced. */
export class Subscription implements ConsumerListener, PartitionControl {
  private consumer: Consumer | undefined;
  private readonly reader: Reader;
  private readonly runners = new Map<number, PartitionRunner>();
  private readonly reported = new Map<number, number>();
  private readonly closing = new AbortController();
  private joinedOnce: () => void = () => undefined;
  private readonly firstJoin = new Promise<void>((resolve) => {
    this.joinedOnce = resolve;
  });
  private readonly seldom = new OncePerInterval(REPORT_INTERVAL_MS);
  private readonly rounds: readonly Repeat[];
  private assigned: readonly number[] = [];
  private joinedAt_ms: number | undefined;
  private memberAt_ms = -Infinity;
  private progressAt_ms = performance.now();
  /** Since when there was no progress though nothing it needs was away. */
  private stuckSince_ms = performance.now();

  constructor(
    private readonly group: Group,
    handlers: SubscriptionHandlers,
    private readonly parts: SubscriptionParts,
  ) {
    this.reader = readerOf(group, parts.db, parts.outbox, handlers);
    const tell = (error: unknown) =>
      this.seldom.run((suppressed) => log.warn({ err: error, group, suppressed }, 'a look at the group failed'));
    const leaders = new Leaders(group, parts.admin);
    this.rounds = [
      new Repeat(COMMIT_INTERVAL_MS, () => this.report(), tell),
      new Repeat(GLANCE_INTERVAL_MS, () => this.look(), tell),
      new Repeat(MEASURE_INTERVAL_MS, () => this.measure(), tell),
      new Repeat(LEADERS_INTERVAL_MS, () => leaders.look(this.assigned), tell),
      new Repeat(WATCHDOG_INTERVAL_MS, () => this.watch(), tell),
    ];
  }

  /** Joins the group, however long the broker is away. Resolves at the first join, or when stopped before. */
  async start(): Promise<void> {
    for (const round of this.rounds) round.start();
    void this.open();
    await this.firstJoin;
  }

  /** True while the consumer is in its group and speaks to the broker. */
  get ready(): boolean {
    return this.joinedAt_ms !== undefined && performance.now() - this.progressAt_ms < FRESH_MS;
  }

  /**
   * How far this process is behind with what it reads, ms: the age of the oldest record that waits for it; from a broker that is silent
   * it is as long as that.
   */
  lag_ms(now_ms: number): number {
    const silent_ms = performance.now() - this.progressAt_ms;
    const known = [...this.runners.values()].map(({ behind }) => behind.at(now_ms));
    return Math.round(Math.max(0, silent_ms > FRESH_MS ? silent_ms : 0, ...known));
  }

  /** Finishes the batches at work, shows the broker how far they came, and leaves the group. */
  async stop(): Promise<void> {
    this.closing.abort();
    this.joinedOnce();
    for (const round of this.rounds) void round.stop();
    const runners = [...this.runners.values()].map((runner) => runner.close());
    await Promise.race([Promise.all(runners), sleep(STOP_BATCHES_MS)]);
    await Promise.race([this.report(), sleep(STOP_COMMIT_MS)]);
    crashAt('shutdown-drain');
    await this.consumer?.stop(STOP_LEAVE_MS);
  }

  onBatch(batch: RecordBatch, control: BatchControl): Promise<void> {
    this.onProgress();
    return this.runner(batch.partition).onBatch(batch, control);
  }

  onJoin(partitions: readonly number[]): void {
    this.joinedAt_ms = performance.now();
    this.assigned = partitions;
    this.onHeartbeat();
    for (const partition of partitions) this.runner(partition);
    for (const [partition, runner] of this.runners) {
      runner.forget();
      this.resume(partition);
    }
    this.reported.clear();
    this.joinedOnce();
  }

  onHeartbeat(): void {
    this.memberAt_ms = performance.now();
    this.onProgress();
  }

  /** No progress: also who is no member any more may fetch, from a broker that does not coordinate the group. */
  onFetch(): void {
    this.progressAt_ms = performance.now();
  }

  onCrash(error: Error): void {
    if (this.closing.signal.aborted) return;
    log.error({ err: error, group: this.group }, 'the consumer gave up; making a new one');
    this.consumer = undefined;
    this.assigned = [];
    void sleep(REOPEN_DELAY_MS).then(() => this.open());
  }

  pause(partition: number): void {
    this.consumer?.pause(partition);
  }

  resume(partition: number): void {
    this.consumer?.resume(partition);
  }

  seek(partition: number, offset: number): void {
    this.consumer?.seek(partition, offset);
  }

  private async open(): Promise<void> {
    const { broker, partitions } = this.parts;
    const options = consumerOptions(this.group, partitions);
    while (!this.closing.signal.aborted) {
      try {
        const consumer = await broker.consumer(options);
        if (this.closing.signal.aborted) return await consumer.stop(STOP_LEAVE_MS);
        this.consumer = consumer;
        return await consumer.run(this);
      } catch (error) {
        this.seldom.run((suppressed) => log.warn({ err: error, group: this.group, suppressed }, 'no consumer yet'));
        await sleep(REOPEN_DELAY_MS);
      }
    }
  }

  private onProgress = (): void => {
    this.progressAt_ms = performance.now();
    this.stuckSince_ms = this.progressAt_ms;
  };

  private runner(partition: number): PartitionRunner {
    let runner = this.runners.get(partition);
    if (!runner) {
      const place = { group: this.group, topic: SUBSCRIPTIONS[this.group].topic, partition };
      const { reader, onProgress } = this;
      runner = new PartitionRunner(place, {
        reader,
        consumer: this,
        logBounds: (which) => this.logBounds(which),
        onProgress,
        suspects: this.parts.suspects,
      });
      this.runners.set(partition, runner);
    }
    return runner;
  }

  private async logBounds(partition: number): Promise<LogBounds> {
    const admin = await this.parts.admin();
    const offsets = await admin.offsetsWhereLed(SUBSCRIPTIONS[this.group].topic);
    const found = offsets.find((offset) => offset.partition === partition);
    if (!found) throw new NoLeader(partition);
    return { start: found.low, end: found.high };
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

  /** What no batch brings about: claims of idle partitions, and operators' wishes. Only as a member that the broker knows. */
  private async look(): Promise<void> {
    const { joinedAt_ms = Infinity } = this;
    if (performance.now() - joinedAt_ms < JOIN_SETTLE_MS || this.assigned.length === 0) return;
    const { topic } = SUBSCRIPTIONS[this.group];
    const rows = new Map((await glance(this.parts.db, this.group, topic)).map((row) => [row.partition, row]));
    if (performance.now() - this.memberAt_ms > MEMBER_FRESH_MS) return;
    for (const partition of this.assigned) this.runner(partition).onGlance(rows.get(partition));
  }

  private async measure(): Promise<void> {
    const { group } = this;
    const overdue = await this.countSetAside().catch((error: unknown) => {
      untellSetAside(group);
      throw error;
    });
    if (overdue > 0) log.error({ group, commands: overdue }, 'ALARM: commands wait for one that has not come');
  }

  /** Tells what does not go on by itself. Returns the commands that have waited too long. */
  private async countSetAside(): Promise<number> {
    const { db } = this.parts;
    const { group } = this;
    parkedMessages.set({ group }, await countParked(db, group));
    deadLetters.set({ group }, await countDeadLetters(db, group));
    const overdue = await countOverdueWaiting(db, group, WAITING_ALARM_MS);
    overdueCommands.set({ group }, overdue);
    return overdue;
  }

  /** Looked at again and again while nothing moves: of an outage only its end would be seen else, and taken for the whole of it. */
  private async watch(): Promise<void> {
    if (performance.now() - this.stuckSince_ms < WATCHDOG_INTERVAL_MS) return;
    try {
      const admin = await this.parts.admin();
      await Promise.all([admin.brokers(), admin.coordinated(this.group), this.parts.db.rows(PING)]);
    } catch {
      // Away, and waited out: the time to get going again begins when it is back.
      this.stuckSince_ms = performance.now();
      return;
    }
    if (performance.now() - this.stuckSince_ms < PROGRESS_TIMEOUT_MS) return;
    this.parts.onDead(new Error(`consumer group ${this.group} made no progress for ${PROGRESS_TIMEOUT_MS} ms`));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
