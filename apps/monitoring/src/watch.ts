import { METRICS, type Group, type PARTITIONS } from '@payflow/contracts';
import type { Database } from '@payflow/database';
import type { CheckResults } from '@payflow/invariants';
import type { Messaging } from '@payflow/messaging';
import { OncePerInterval, gauge, logger } from '@payflow/telemetry';
import { lastPlaces, pruneMinutes, saveMinute } from './database/samples.repository.js';
import { busiestStatements, pruneSpans, saveSpans } from './database/statement-spans.repository.js';
import { recentThroughput } from './database/throughput.repository.js';
import type { Acknowledged } from './sampling/acknowledged.js';
import { databasesOf, withBusiest, type DatabasesAnswer } from './sampling/databases.js';
import { healthOf, type HealthPicture } from './sampling/health.js';
import { readerLags, type ReaderLag } from './sampling/lags.js';
import { MINUTE_MS, Minutes } from './sampling/minutes.js';
import { Picture, isServing, readerKey } from './sampling/picture.js';
import { Sampler } from './sampling/sampler.js';
import { StatementSpans } from './sampling/statement-spans.js';
import type { Readable } from './sampling/self-reader.js';
import { reasonOf } from './sampling/service-reader.js';
import { summaryOf, type Summary } from './sampling/summary.js';

const log = logger('watch');
const lagMessages = gauge(METRICS.consumerLagMessages, 'Records between a reader and the end of its partition.', [
  'group',
  'topic',
  'partition',
] as const);
const lagSeconds = gauge(METRICS.consumerLagSeconds, 'Age of the oldest record a reader has not read.', [
  'group',
  'topic',
  'partition',
] as const);
const ready = gauge(
  METRICS.serviceReady,
  '1 when the service said at the last look that it does its work: ready or degraded.',
  ['service'] as const,
);

const PRUNE_INTERVAL_MS = 3_600_000;
const SHOWN_MINUTES = 60;
/** The minute that has just ended is shown within the next: a replica may be behind by less. */
const SUMMARY_STALENESS_MS = 10_000;
/** The server's counts are read seldom: they grow slowly, and reading them holds a lock of theirs. */
const SPAN_MS = 600_000;

export type HealthAnswer = { readonly checked_at: string } & HealthPicture;
export type SummaryAnswer = { readonly checked_at: string } & Summary;

export interface WatchParts {
  readonly database: Database;
  readonly messaging: Pick<Messaging, 'admin'>;
  readonly results: CheckResults;
  readonly readers: readonly Readable[];
  readonly acknowledged: Pick<Acknowledged, 'look'>;
  readonly partitions: keyof typeof PARTITIONS;
}

/** Keeps the picture of the installation up to date, writes down each minute of it, and answers from it. */
export class Watch {
  private readonly picture = new Picture();
  private readonly minutes = new Minutes();
  private readonly sampler: Sampler;
  private saving: Promise<void> = Promise.resolve();
  private readonly seldom = new OncePerInterval(MINUTE_MS);
  private readonly pruning = new OncePerInterval(PRUNE_INTERVAL_MS);
  private readonly spans = new StatementSpans();
  private readonly counting = new OncePerInterval(SPAN_MS);

  constructor(private readonly parts: WatchParts) {
    this.sampler = new Sampler(parts, this.picture, (now_ms) => this.afterRound(now_ms));
  }

  async start(): Promise<void> {
    for (const { minute, ...position } of await lastPlaces(this.parts.database)) {
      this.picture.positions.set(readerKey(position.group, position.partition), { position, at_ms: minute.getTime() });
    }
    this.sampler.start();
  }

  /** Ends the looks and writes down the minute that has begun. */
  async stop(): Promise<void> {
    await this.sampler.stop();
    await this.saving;
    await this.save(this.minutes.take());
  }

  health(): HealthAnswer {
    const now = Date.now();
    return { ...healthOf(this.picture, this.lags(now), now), checked_at: new Date(now).toISOString() };
  }

  async summary(): Promise<SummaryAnswer> {
    const now = Date.now();
    const read = await written(() =>
      recentThroughput(this.parts.database.reading(SUMMARY_STALENESS_MS), new Date(now - SHOWN_MINUTES * MINUTE_MS)),
    );
    const throughput = { minutes: read.rows ?? [], reason: read.reason };
    return { ...summaryOf(this.picture, this.lags(now), throughput, now), checked_at: new Date(now).toISOString() };
  }

  /** Asks every service at once; what one does not tell in time is unknown, and why. */
  async databases(): Promise<DatabasesAnswer> {
    const now = new Date();
    const since = new Date(now.getTime() - SHOWN_MINUTES * MINUTE_MS);
    const [answer, busiest] = await Promise.all([
      databasesOf(this.parts.readers, now),
      written(() => busiestStatements(this.parts.database, since)),
    ]);
    return busiest.rows ? withBusiest(answer, busiest.rows) : { ...answer, busiest_reason: busiest.reason };
  }

  /** What the services' statements have cost since the last look, written down. */
  async countStatements(): Promise<void> {
    try {
      await saveSpans(this.parts.database, new Date(), await this.spans.look(this.parts.readers));
    } catch (error) {
      this.seldom.run(() => log.warn({ err: error }, 'a span of the statements is lost'));
    }
  }

  private lags(now_ms: number): ReaderLag[] {
    return readerLags(this.picture, this.parts.partitions, now_ms);
  }

  private async afterRound(now_ms: number): Promise<void> {
    const lags = this.lags(now_ms);
    for (const lag of lags) showLag(lag);
    for (const [service, { readiness }] of this.picture.services)
      ready.set({ service }, isServing(readiness?.value.status) ? 1 : 0);
    this.counting.run(() => void this.countStatements());
    const ended = this.minutes.add(this.picture, lags, now_ms);
    // The looks do not wait for it: while our own database stands still, it is the others that are to be told of.
    this.saving = this.saving.then(() => this.save(ended));
  }

  /** The series may have a gap; the looks go on. */
  private async save(ended: ReturnType<Minutes['add']>): Promise<void> {
    if (!ended) return;
    try {
      await saveMinute(this.parts.database, ended.minute, ended.lags, ended.services);
      this.pruning.run(() => {
        void pruneMinutes(this.parts.database).catch(() => undefined);
        void pruneSpans(this.parts.database).catch(() => undefined);
      });
    } catch (error) {
      this.seldom.run(() => log.warn({ err: error, minute: ended.minute }, 'a minute of the series is lost'));
    }
  }
}

/**
 * What has been written down, or why it cannot be read: without our own database there is still all to tell that the others say of
 * themselves.
 */
async function written<R>(
  read: () => Promise<R[]>,
): Promise<
  { readonly rows: readonly R[]; readonly reason: null } | { readonly rows?: undefined; readonly reason: string }
> {
  try {
    return { rows: await read(), reason: null };
  } catch (error) {
    return { reason: reasonOf(error) };
  }
}

function showLag({ group, topic, partition, lag_messages, lag_seconds }: ReaderLag): void {
  const labels = { group: group satisfies Group, topic, partition: String(partition) };
  if (lag_messages === null || lag_seconds === null) return;
  lagMessages.set(labels, lag_messages);
  lagSeconds.set(labels, lag_seconds);
}
