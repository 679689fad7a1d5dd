import { context, trace, type Span } from '@opentelemetry/api';
import { METRICS, crashAt } from '@payflow/contracts';
import { isDeterministic, type Database } from '@payflow/database';
import { counter, gauge, histogram, logger } from '@payflow/telemetry';
import type { BatchControl, Consumer, RawRecord, RecordBatch } from '../broker/port.js';
import type { Outbox } from '../outbox/outbox.js';
import { parkSubject, storeParked } from '../parking/parking.repository.js';
import { failSpan, startBatchSpan } from '../trace.js';
import { applyItems, decodeItem, messageOf, type Applied, type BatchContext, type Item } from './batch.js';
import { deadLetter } from './dead-letter.js';
import { clearSuspects, countAttempt, keepDeadLetter, type FailureCause } from './failures.repository.js';
import type { SubscriptionHandlers } from './handler.js';
import { drainParked } from './parked-drain.js';
import { advancePosition, claimPosition, lockPosition, stopPosition, type LockedPosition, type Place } from './positions.repository.js';
import { FenceLost, PartitionStopped } from './stops.js';

const log = logger('runner');
const messagesTotal = counter(METRICS.consumerMessages, 'Messages by what became of them.', ['group', 'outcome']);
const batchSeconds = histogram(METRICS.consumerBatchDuration, 'Time of one batch transaction.', ['group'], [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5]);
const pausedPartitions = gauge(METRICS.consumerPaused, 'Partitions that stand still: backing off, or waiting for an operator.', ['group', 'reason']);

/** Messages of one transaction: most of the gain of batching comes by 100, all of it by 500. */
const TRANSACTION_MESSAGES_MAX = 500;
const BACK_OFF_MS_FIRST = 100;
const BACK_OFF_MS_MAX = 15_000;
/** A stopped partition looks again so often whether what stopped it is gone. */
const STOPPED_RETRY_MS = 30_000;
/** Claims without progress after which the next message is suspected of killing the process. */
const SUSPECT_CLAIMS = 3;
const QUARANTINE_ATTEMPTS = 3;
const DRAIN_INTERVAL_MS = 1_000;

interface Claim {
  readonly epoch: bigint;
  /** What the record before the position must carry, until it has been seen. */
  expectedLastId: string | null;
  suspect: boolean;
}

export interface PartitionParts {
  readonly db: Database;
  readonly consumer: Consumer;
  readonly outbox: Outbox;
  readonly batch: BatchContext;
  readonly handlers: SubscriptionHandlers;
  readonly logStart: (partition: number) => Promise<number>;
  readonly onProgress: () => void;
}

/** One partition of one group in this process: claims it, applies its batches, backs off, parks what cannot be applied. */
export class PartitionRunner {
  private claim: Claim | undefined;
  private backOffs = 0;
  private timer: NodeJS.Timeout | undefined;
  private drainTimer: NodeJS.Timeout | undefined;
  private draining: Promise<void> = Promise.resolve();
  /** The offset after the last one committed by us; for the broker's display. */
  committed: number | undefined;

  constructor(
    private readonly place: Place,
    private readonly parts: PartitionParts,
  ) {}

  /** The group (re)joined: forget the claim, so that the first batch takes the partition over anew. */
  forget(): void {
    this.claim = undefined;
    this.committed = undefined;
    this.backOffs = 0;
    clearTimeout(this.timer);
    clearTimeout(this.drainTimer);
    this.timer = undefined;
    this.drainTimer = undefined;
  }

  async close(): Promise<void> {
    this.forget();
    await this.draining;
  }

  async onBatch(batch: RecordBatch, control: BatchControl): Promise<void> {
    crashAt('record-received');
    try {
      if (!this.claim) await this.takeOver(batch, control);
      else await this.applyBatch(batch, control, this.claim);
    } catch (error) {
      await this.onFailure(error, batch);
    }
  }

  private async takeOver(batch: RecordBatch, control: BatchControl): Promise<void> {
    await control.heartbeat();
    const logStart = await this.parts.logStart(this.place.partition);
    const position = await claimPosition(this.parts.db, this.place, logStart);
    if (position.nextOffset < logStart) throw new PartitionStopped('gap_in_log', `position ${position.nextOffset}, log starts at ${logStart}`);
    if (position.nextOffset > batch.highWatermark) throw new PartitionStopped('log_shorter_than_position', `position ${position.nextOffset}, log ends at ${batch.highWatermark}`);
    const hasPredecessor = position.nextOffset > logStart && position.lastEventId !== null;
    this.claim = {
      epoch: position.epoch,
      expectedLastId: hasPredecessor ? position.lastEventId : null,
      suspect: position.idleClaims >= SUSPECT_CLAIMS,
    };
    this.parts.consumer.seek(this.place.partition, hasPredecessor ? position.nextOffset - 1 : position.nextOffset);
    this.scheduleDrain();
  }

  private async applyBatch(batch: RecordBatch, control: BatchControl, claim: Claim): Promise<void> {
    const { records } = batch;
    const size = claim.suspect ? 1 : TRANSACTION_MESSAGES_MAX;
    for (let at = 0; at < records.length && control.isCurrent() && this.claim === claim; at += size) {
      const chunk = records.slice(at, at + size);
      const last = chunk.at(-1) as RawRecord;
      await this.applyChunk(chunk, batch.highWatermark, claim);
      this.backOffs = 0;
      this.committed = last.offset + 1;
      control.resolve(last.offset);
      this.parts.onProgress();
      await control.heartbeat();
    }
    claim.suspect = false;
  }

  private async applyChunk(chunk: readonly RawRecord[], highWatermark: number, claim: Claim): Promise<void> {
    try {
      if (claim.suspect) await this.applySuspect(chunk[0] as RawRecord, highWatermark, claim);
      else await this.applyRecords(chunk, highWatermark, claim);
    } catch (error) {
      if (!isDeterministic(error)) throw error;
      if (chunk.length === 1) return this.setAside(chunk[0] as RawRecord, error, claim);
      log.warn({ err: error, ...this.place, messages: chunk.length }, 'a batch failed for good; trying its messages one by one');
      for (const record of chunk) {
        await this.applyChunk([record], highWatermark, claim);
        this.parts.onProgress();
      }
    }
  }

  private async applyRecords(chunk: readonly RawRecord[], highWatermark: number, claim: Claim): Promise<void> {
    const { batch, db } = this.parts;
    const items = chunk.map((record) => decodeItem(batch, this.place, record));
    const messages = items.filter(({ decoded }) => decoded.kind === 'message').map(({ decoded }) => messageOf(decoded));
    const span = startBatchSpan(batch.spec.topic, batch.group, this.place.partition, messages);
    const endTimer = batchSeconds.startTimer({ group: batch.group });
    try {
      const applied = await context.with(span ? trace.setSpan(context.active(), span) : context.active(), () =>
        db.transaction(async (tx) => {
          const position = await lockPosition(tx, this.place);
          const fresh = this.fence(position, items, highWatermark, claim);
          if (!position || fresh.length === 0) return undefined;
          if (claim.suspect) await clearSuspects(tx, this.place, (fresh.at(-1) as Item).record.offset);
          return applyItems(tx, batch, this.place, position, fresh);
        }),
      );
      claim.expectedLastId = null;
      if (applied) this.afterCommit(applied);
    } catch (error) {
      for (const item of items) failSpan(item.span, error);
      throw error;
    } finally {
      endTimer();
      endSpans(items, span);
    }
  }

  /** The batch's records that are still to be applied, or a refusal to go on. */
  private fence(position: LockedPosition | undefined, items: readonly Item[], highWatermark: number, claim: Claim): readonly Item[] {
    if (!position || position.epoch !== claim.epoch) throw new FenceLost();
    const { nextOffset } = position;
    const first = (items[0] as Item).record.offset;
    if (highWatermark < nextOffset) throw new PartitionStopped('log_shorter_than_position', `position ${nextOffset}, log ends at ${highWatermark}`);
    if (first > nextOffset) throw new PartitionStopped('gap_in_log', `position ${nextOffset}, next record ${first}`);
    if (claim.expectedLastId !== null) recognise(items, nextOffset, claim.expectedLastId);
    const fresh = items.slice(nextOffset - first);
    const gap = fresh.findIndex(({ record }, at) => record.offset !== nextOffset + at);
    if (gap >= 0) throw new PartitionStopped('gap_in_log', `after offset ${nextOffset + gap - 1}`);
    return fresh;
  }

  private afterCommit({ staged, handled, counts }: Applied): void {
    crashAt('batch-commit');
    staged.publish();
    handled?.afterCommit?.();
    const { group } = this.place;
    messagesTotal.inc({ group, outcome: 'applied' }, counts.applied);
    if (counts.skipped) messagesTotal.inc({ group, outcome: 'skipped' }, counts.skipped);
    if (counts.parked) messagesTotal.inc({ group, outcome: 'parked' }, counts.parked);
    if (counts.deadLettered) messagesTotal.inc({ group, outcome: 'dead_lettered' }, counts.deadLettered);
    if (counts.parked) this.scheduleDrain();
  }

  /** In suspicion the attempt is committed before the message is handled; at the third death it is set aside untried. */
  private async applySuspect(record: RawRecord, highWatermark: number, claim: Claim): Promise<void> {
    const attempts = await countAttempt(this.parts.db, this.place, record.offset);
    if (attempts < QUARANTINE_ATTEMPTS) return this.applyRecords([record], highWatermark, claim);
    await this.setAside(record, new Error('the process died handling it, repeatedly'), claim, { errorClass: 'killed_process', attempts });
  }

  /** Parks the record's subject, or dead-letters the record where order protects nothing, and moves on. */
  private async setAside(record: RawRecord, error: unknown, claim: Claim, known?: Pick<FailureCause, 'errorClass' | 'attempts'>): Promise<void> {
    const { batch, db, outbox } = this.parts;
    const { decoded } = decodeItem(batch, this.place, record);
    const cause: FailureCause = {
      errorClass: known?.errorClass ?? (error as Error).name,
      errorMessage: (error as Error).message.slice(0, 500),
      attempts: known?.attempts ?? 2,
    };
    const park = decoded.kind === 'message' && batch.spec.order === 'subject';
    const staged = await db.transaction(async (tx) => {
      const position = await lockPosition(tx, this.place);
      if (!position || position.epoch !== claim.epoch) throw new FenceLost();
      if (record.offset < position.nextOffset) return undefined;
      if (park) {
        await parkSubject(tx, this.place, decoded.message, cause);
        await storeParked(tx, this.place, [{ message: decoded.message, offset: record.offset }]);
      } else {
        await keepDeadLetter(tx, this.place, record, decoded.kind === 'message' ? decoded.message.id : null, cause);
      }
      await clearSuspects(tx, this.place, record.offset);
      const copied = await outbox.stageEnvelopes(tx, [], [deadLetter(this.place, record, cause, new Date())], () => undefined);
      await advancePosition(tx, this.place, { nextOffset: record.offset + 1, lastEventId: record.headers['ce_id']?.toString() ?? null }, new Map());
      return copied;
    });
    staged?.publish();
    messagesTotal.inc({ group: this.place.group, outcome: park ? 'parked' : 'dead_lettered' });
    log.error({ err: error, ...this.place, offset: record.offset, outcome: park ? 'parked' : 'dead_lettered' }, 'a message cannot be applied');
    this.scheduleDrain();
  }

  /** Nothing waits inside a handler: the partition is paused and fetched again later, while the others flow. */
  private async onFailure(error: unknown, batch: RecordBatch): Promise<void> {
    if (error instanceof FenceLost) {
      log.warn({ ...this.place }, error.message);
      this.forget();
      return;
    }
    if (error instanceof PartitionStopped) {
      log.fatal({ ...this.place, reason: error.reason }, `partition stopped: ${error.message}`);
      this.claim = undefined;
      await stopPosition(this.parts.db, this.place, error.message).catch(() => undefined);
      return this.pauseFor(STOPPED_RETRY_MS, error.reason, batch);
    }
    const ceiling = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_FIRST * 2 ** this.backOffs++);
    log.warn({ err: error, ...this.place, attempt: this.backOffs }, 'backing off');
    this.pauseFor(ceiling / 2 + Math.random() * (ceiling / 2), 'backing_off', batch);
  }

  private pauseFor(ms: number, reason: string, batch: RecordBatch): void {
    const { consumer } = this.parts;
    const { partition, group } = this.place;
    consumer.pause(partition);
    consumer.seek(partition, this.committed ?? (batch.records[0] as RawRecord).offset);
    pausedPartitions.inc({ group, reason });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      pausedPartitions.dec({ group, reason });
      consumer.resume(partition);
    }, ms);
  }

  /** Looks now and then whether an operator released or discarded something, as long as the partition is ours. */
  private scheduleDrain(): void {
    this.drainTimer ??= setTimeout(() => {
      this.drainTimer = undefined;
      this.draining = this.drain();
    }, DRAIN_INTERVAL_MS);
  }

  private async drain(): Promise<void> {
    const { db, outbox, handlers } = this.parts;
    const claim = this.claim;
    if (!claim) return;
    try {
      await drainParked(db, outbox, handlers, this.place, claim.epoch);
    } catch (error) {
      if (error instanceof FenceLost) return;
      log.warn({ err: error, ...this.place }, 'parked messages could not be drained');
    }
    if (this.claim === claim) this.scheduleDrain();
  }
}

/** The record before the position must be the one the position was written after: else this is another log. */
function recognise(items: readonly Item[], nextOffset: number, expectedId: string): void {
  const predecessor = items.find(({ record }) => record.offset === nextOffset - 1);
  if (predecessor?.record.headers['ce_id']?.toString() === expectedId) return;
  throw new PartitionStopped('wrong_record_at_position', `offset ${nextOffset - 1} does not carry ${expectedId}`);
}

function endSpans(items: readonly Item[], batch: Span | undefined): void {
  for (const { span } of items) {
    if (batch) span?.addLink({ context: batch.spanContext() });
    span?.end();
  }
  batch?.end();
}
