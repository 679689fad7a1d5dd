import { setTimeout as delay } from 'node:timers/promises';
import { crashAt } from '@payflow/contracts';
import { logger } from '@payflow/telemetry';
import { GroupInterrupted, type BatchControl, type RawRecord, type RecordBatch } from '../broker/port.js';
import { Pace } from '../pace.js';
import { Behind } from './behind.js';
import { Beside } from './beside.js';
import { ChunkApplier } from './chunk.js';
import { claimOf, type Claim, type LogBounds } from './claim.js';
import { carryOutWishes } from './drain.js';
import { Pause, type PartitionControl } from './pause.js';
import { PassedOver } from './passed-over.js';
import { writePassedOver } from './passed-over.js';
import { claimPosition, stopPosition, type Glance, type Place } from './positions.repository.js';
import { ClaimStale, FenceLost, NoLeader, PartitionStopped, type StopReason } from './stops.js';
import type { Suspects } from './suspects.js';
import type { Reader } from './unit.js';

const log = logger('runner');

/** Messages of one transaction: most of the gain of batching comes by 100, all of it by 500. */
const TRANSACTION_MESSAGES_MAX = 500;
const BACK_OFF_MS_FIRST = 100;
const BACK_OFF_MS_MAX = 15_000;
const FENCE_LOST_PAUSE_MS = 250;
/** A stopped partition looks again so often whether what stopped it is gone. */
const STOPPED_RETRY_MS = 30_000;
/** A new leader tells for a moment of a shorter log than the last one did: only one that stays short stops the partition. */
const SHORT_LOG_LOOKS = 10;
const SHORT_LOG_PAUSE_MS = 500;
/** At 250/s a partition gathers for about 40 ms: some ten messages; at 460/s and more for the most, where the gain of batching ends. */
const PACE = { quiet_per_s: 60, gather_ms_per_rate: 0.2, gather_ms_max: 80 };
const OVERFLOW: StopReason = 'parked_overflow';

export interface PartitionParts {
  readonly reader: Reader;
  readonly consumer: PartitionControl;
  readonly logBounds: (partition: number) => Promise<LogBounds>;
  readonly onProgress: () => void;
  /** The whole process's. */
  readonly suspects: Suspects;
}

/** One partition of one group in this process: claims it, applies its batches, backs off, carries out operators' wishes. */
export class PartitionRunner {
  private claim: Claim | undefined;
  private backOffs = 0;
  private shortLogLooks = 0;
  private working: Promise<void> | undefined;
  private closed = false;
  /** At rest between two batches: a busy partition would else never be found idle enough for an operator's wishes. */
  private resting = false;
  /** Raised whenever the group joins: what began before must not claim anything after. */
  private generation = 0;
  /** The work between batches: an idle claim, or an operator's wishes. One at a time. */
  private errand: Promise<void> | undefined;
  /** The errand that moves the row without a batch: no batch may look at the row meanwhile. */
  private writing: Promise<void> | undefined;
  private readonly chunks: ChunkApplier;
  private readonly pause: Pause;
  private readonly pace = new Pace(PACE);
  /** What is known to wait for this reader. */
  readonly behind = new Behind();
  /** The offset after the last one committed by us; for the broker's display. */
  committed: number | undefined;

  constructor(
    private readonly place: Place,
    private readonly parts: PartitionParts,
  ) {
    this.chunks = new ChunkApplier(parts.reader, place, parts.suspects);
    this.pause = new Pause(place, parts.consumer);
  }

  /** The group (re)joined: forget the claim, so that the first batch takes the partition over anew. */
  forget(): void {
    this.generation += 1;
    this.claim = undefined;
    this.committed = undefined;
    this.backOffs = 0;
    this.behind.forget();
    this.pause.end();
  }

  /** Takes no more batches; resolves when those at work, and what was begun between them, have ended. */
  async close(): Promise<void> {
    this.closed = true;
    this.pause.end();
    await Promise.all([this.working, this.errand]);
  }

  onBatch(batch: RecordBatch, control: BatchControl): Promise<void> {
    crashAt('record-received');
    if (this.closed) return Promise.resolve();
    this.working = this.handle(batch, control).finally(() => {
      this.working = undefined;
    });
    return this.working;
  }

  /**
   * Called about once a second while the partition is assigned, with its row if it has one. Claims where no batch came to
   * do it (an operator may have moved the position of a topic in which nothing is new), and carries out operators' wishes.
   */
  onGlance(row: Glance | undefined): void {
    if (this.closed || this.errand || (this.working && !(this.resting && this.claim))) return;
    // Moved by an operator: had another process claimed it, this one would not be a member any more.
    if (this.claim && row && row.epoch > this.claim.epoch) this.claim = undefined;
    if (this.claim && row?.asked) this.errand = this.carryOut(this.claim);
    else if (!this.claim && !this.pause.active) this.errand = this.claimIdle();
    else if (this.claim?.passedOver.unwritten) this.errand = this.writeDown(this.claim);
    void this.errand?.finally(() => {
      this.errand = undefined;
    });
  }

  private async handle(batch: RecordBatch, control: BatchControl): Promise<void> {
    try {
      await this.writing;
      if (this.claim?.placed) await this.applyBatch(batch, control, this.claim);
      else await this.takeOver(batch, control);
    } catch (error) {
      await this.onFailure(error, batch.records[0]?.offset);
    }
  }

  private async takeOver(batch: RecordBatch, control: BatchControl): Promise<void> {
    await this.errand;
    await control.heartbeat();
    const { start } = await this.parts.logBounds(this.place.partition);
    await this.take({ start, end: batch.highWatermark }, batch.highWatermark);
  }

  /** Claims without a batch. What is delivered before the consumer has moved may be from anywhere, so the first batch claims again. */
  private async claimIdle(): Promise<void> {
    try {
      await this.take(await this.parts.logBounds(this.place.partition), 0);
    } catch (error) {
      if (error instanceof PartitionStopped) return this.onFailure(error, undefined);
      // Told by who looks for leaders, once and not at every glance.
      if (error instanceof NoLeader) return;
      log.warn({ err: error, ...this.place }, 'an idle partition could not be claimed; it is tried again');
    }
  }

  private async take(bounds: LogBounds, batchEnd: number): Promise<void> {
    const { generation } = this;
    const position = await claimPosition(this.parts.reader.db, this.place, bounds.start, batchEnd);
    if (generation !== this.generation) return;
    const options = { placed: batchEnd > 0, suspects_max: TRANSACTION_MESSAGES_MAX };
    // Held also where the log is wrong: to note why, and to carry out operators' wishes meanwhile.
    this.claim = {
      epoch: position.epoch,
      placed: false,
      expectedLastId: null,
      suspectBelow: 0,
      dead: new Set(),
      passedOver: new PassedOver(position.nextOffset),
      beside: new Beside(),
      quiet: false,
    };
    const { claim, readFrom } = claimOf(position, bounds, options);
    this.claim = claim;
    // What fails before anything is applied is read again from where this claim begins, which is one record earlier.
    this.committed = undefined;
    this.shortLogLooks = 0;
    this.parts.consumer.seek(this.place.partition, readFrom);
  }

  private async applyBatch(
    { records, highWatermark }: RecordBatch,
    control: BatchControl,
    claim: Claim,
  ): Promise<void> {
    this.pace.begin(records.length, performance.now());
    this.behind.waits(records);
    for (let at = 0; at < records.length && this.mayGoOn(control, claim);) {
      const size = (records[at] as RawRecord).offset < claim.suspectBelow ? 1 : TRANSACTION_MESSAGES_MAX;
      const chunk = records.slice(at, at + size);
      const next = await this.chunks.apply({ records: chunk, logEnd: highWatermark, claim, control });
      at += chunk.filter(({ offset }) => offset < next).length;
      this.backOffs = 0;
      this.shortLogLooks = 0;
      this.committed = next;
      this.behind.applied(records, next, highWatermark);
      control.resolve(next - 1);
      this.parts.onProgress();
      await control.heartbeat();
    }
    if (this.committed === highWatermark && this.mayGoOn(control, claim)) await this.rest();
  }

  /** Nothing waits in the log as far as we know: on a busy partition the next batch may gather. */
  private async rest(): Promise<void> {
    const rest_ms = this.pace.rest_ms(performance.now());
    if (rest_ms < 1) return;
    this.resting = true;
    await delay(rest_ms);
    this.resting = false;
  }

  private mayGoOn(control: BatchControl, claim: Claim): boolean {
    return !this.closed && control.isCurrent() && this.claim === claim;
  }

  /** The row catches up with a reader that has had nothing to apply for a while. */
  private async writeDown(claim: Claim): Promise<void> {
    this.writing = writePassedOver(this.parts.reader.db, this.place, claim).catch((error: unknown) => {
      if (error instanceof FenceLost || error instanceof ClaimStale) this.claim = undefined;
      else log.warn({ err: error, ...this.place }, 'records that were passed over are not written down yet');
    });
    await this.writing;
    this.writing = undefined;
  }

  private async carryOut({ epoch, beside, dead }: Claim): Promise<void> {
    try {
      await carryOutWishes({ reader: this.parts.reader, place: this.place, epoch, beside, dead });
      this.pause.cutShort(OVERFLOW);
    } catch (error) {
      if (error instanceof FenceLost) this.claim = undefined;
      log.warn({ err: error, ...this.place }, 'what an operator asked for could not be carried out; it is tried again');
    }
  }

  /** Nothing waits inside a handler: the partition is paused and fetched again later, while the others flow. */
  private async onFailure(error: unknown, firstOffset: number | undefined): Promise<void> {
    if (error instanceof GroupInterrupted || this.closed) return;
    const from = this.committed ?? firstOffset;
    if (error instanceof FenceLost || error instanceof ClaimStale) {
      log.warn({ ...this.place }, error.message);
      this.claim = undefined;
      // Two that both believe they own it must not take it from each other as fast as they can.
      this.pause.begin(FENCE_LOST_PAUSE_MS, 'claimed_elsewhere', from);
      return;
    }
    if (error instanceof PartitionStopped)
      return this.isShortForNow(error)
        ? this.pause.begin(SHORT_LOG_PAUSE_MS, error.reason, from)
        : this.stop(error, from);
    const ceiling = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_FIRST * 2 ** this.backOffs++);
    log.warn({ err: error, ...this.place, attempt: this.backOffs }, 'backing off');
    this.pause.begin(ceiling / 2 + Math.random() * (ceiling / 2), 'backing_off', from);
  }

  private isShortForNow({ reason }: PartitionStopped): boolean {
    return reason === 'log_shorter_than_position' && ++this.shortLogLooks < SHORT_LOG_LOOKS;
  }

  /** The claim is kept: operators' wishes are still carried out, and the next batch looks whether the reason is gone. */
  private async stop(error: PartitionStopped, from: number | undefined): Promise<void> {
    log.fatal({ ...this.place, reason: error.reason }, `ALARM: partition stopped: ${error.message}`);
    this.pause.begin(STOPPED_RETRY_MS, error.reason, from);
    const { reader } = this.parts;
    // The record before the position may have outlived its retention since it was claimed: only a new claim asks where the log begins.
    if (this.claim && error.reason === 'wrong_record_at_position') this.claim = { ...this.claim, placed: false };
    if (this.claim) await stopPosition(reader.db, this.place, this.claim.epoch, error.message).catch(() => undefined);
  }
}
