import { context, trace, type Span } from '@opentelemetry/api';
import { crashAt } from '@payflow/contracts';
import { RunAgain, isDeterministic, type Plans, type Transaction } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import type { BatchControl, RawRecord } from '../broker/port.js';
import { failSpan, startBatchSpan } from '../trace.js';
import { applyItems, arrivalsOf, decodeItem, isPassedOver, stopAt, type Applied, type Item } from './batch.js';
import { fence, type Claim } from './claim.js';
import { batchSeconds, messagesTotal } from './metrics.js';
import { lockPosition, type Place } from './positions.repository.js';
import { setAside } from './set-aside.js';
import type { PartitionStopped } from './stops.js';
import type { Suspects } from './suspects.js';
import { clearSuspects, countAttempt, takeBackAttempt } from './suspects.repository.js';
import type { Reader, Unit } from './unit.js';

const log = logger('runner');

/** At the third attempt that ended its process a message is set aside untried. */
const QUARANTINE_ATTEMPTS = 3;

/** For so many messages the plans for any number are the best; for more than `MANY` the server knows better. */
const FEW = 10;
/** In between both are as good, and a connection that is told now this and now that has one statement more to carry out. */
const MANY = 100;

/** How a batch of so many messages is planned. */
export function plansFor({ length }: { readonly length: number }): Plans {
  if (length <= FEW) return 'kept';
  return length <= MANY ? 'either' : 'chosen';
}

/** Consecutive records of one partition, with the claim they are applied under. */
export interface Chunk {
  readonly records: readonly RawRecord[];
  readonly logEnd: number;
  readonly claim: Claim;
  readonly control: Pick<BatchControl, 'heartbeat'>;
}

/** What the work expects to find: nothing to divert, nothing that waits. */
const NOTHING_SET_ASIDE = { hasParked: false, hasWaiting: false };

interface Transacted {
  /** Absent where everything had been applied before. */
  readonly applied?: Applied;
  readonly next: number;
}

/** Applies chunks of one partition, each in one transaction, and finds out which message of a failing one is to blame. */
export class ChunkApplier {
  /** The suspect this process is at, as counted: alive after the attempt, it does not count the next one as another death. */
  private unended: { offset: number; attempts: number } | undefined;

  constructor(
    private readonly reader: Reader,
    private readonly place: Place,
    private readonly suspects: Suspects,
  ) {}

  /** Returns the offset after the last record that is dealt with: short of the chunk's end where the next one needs an operator. */
  async apply(chunk: Chunk): Promise<number> {
    const [first] = chunk.records as [RawRecord];
    const { suspectBelow, expectedLastId } = chunk.claim;
    // The record before the position is there to be recognised, and has long been dealt with: it can kill nobody.
    if (first.offset < suspectBelow && expectedLastId === null)
      return this.suspects.inTurn(
        async () => {
          // Its partition may have been given to another while it waited.
          await chunk.control.heartbeat();
          return this.applySuspect(chunk, first);
        },
        () => chunk.control.heartbeat(),
      );
    return this.passOver(chunk) ?? this.applyTogether(chunk);
  }

  /** Where no record is for this reader, there is nothing to be written either. */
  private passOver({ records, claim }: Chunk): number | undefined {
    if (!records.every((record) => isPassedOver(record, this.reader))) return undefined;
    if (!claim.passedOver.pass(records, performance.now())) return undefined;
    messagesTotal.inc({ group: this.place.group, outcome: 'skipped' }, records.length);
    return (records.at(-1) as RawRecord).offset + 1;
  }

  private async applyTogether(chunk: Chunk): Promise<number> {
    try {
      return await this.applyRecords(chunk, 'apply');
    } catch (error) {
      if (!isDeterministic(error)) throw error;
      log.warn(
        { err: error, ...this.place, messages: chunk.records.length },
        'a batch failed for good; trying its messages one by one',
      );
      return this.applySingly(chunk);
    }
  }

  private async applySingly(chunk: Chunk): Promise<number> {
    let next = 0;
    for (const record of chunk.records) {
      await chunk.control.heartbeat();
      next = await this.applyOne({ ...chunk, records: [record] });
    }
    return next;
  }

  private async applyOne(chunk: Chunk): Promise<number> {
    try {
      return await this.applyRecords(chunk, 'apply');
    } catch (error) {
      if (!isDeterministic(error)) throw error;
      return this.applyAlone(chunk, error);
    }
  }

  /** The last try: without the commands that waited for it, which may be what fails. */
  private async applyAlone(chunk: Chunk, cause: unknown): Promise<number> {
    const [record] = chunk.records as [RawRecord];
    try {
      if (this.reader.spec.sequenced) return await this.applyRecords(chunk, 'park');
    } catch (error) {
      if (!isDeterministic(error)) throw error;
    }
    await setAside({ reader: this.reader, place: this.place, claim: chunk.claim }, record, cause);
    return record.offset + 1;
  }

  /** Under suspicion the attempt is committed before the message is handled; at the third death it is set aside untried. */
  private async applySuspect(chunk: Chunk, record: RawRecord): Promise<number> {
    const { reader, place } = this;
    const attempts =
      this.unended?.offset === record.offset
        ? this.unended.attempts
        : await countAttempt(reader.db, place, record.offset, chunk.claim.epoch);
    this.unended = { offset: record.offset, attempts };
    if (attempts >= QUARANTINE_ATTEMPTS) {
      const killed = { errorClass: 'killed_process', attempts };
      await setAside(
        { reader, place, claim: chunk.claim },
        record,
        new Error('the process died handling it, repeatedly'),
        killed,
      );
      return record.offset + 1;
    }
    try {
      return await this.applyTogether({ ...chunk, records: [record] });
    } catch (error) {
      // It ended, though badly: only a death counts. If this is not written down, the memory above still knows.
      if (await takeBackAttempt(reader.db, place, record.offset).then(Boolean, () => false)) this.unended = undefined;
      throw error;
    }
  }

  private async applyRecords(chunk: Chunk, followers: Unit['followers']): Promise<number> {
    const { reader, place } = this;
    const items = chunk.records.map((record) => decodeItem(reader, place, record));
    const messages = arrivalsOf(items).map(({ message }) => message);
    const span = startBatchSpan(reader.spec.topic, reader.group, place.partition, messages);
    const endTimer = batchSeconds.startTimer({ group: reader.group });
    try {
      const active = span ? trace.setSpan(context.active(), span) : context.active();
      const { applied, next } = await context.with(active, () => this.transact(chunk, items, followers));
      chunk.claim.expectedLastId = null;
      if (applied) {
        chunk.claim.passedOver.wrote(next, performance.now());
        this.afterCommit(applied);
      }
      endSpans(items, span);
      return next;
    } catch (error) {
      failSpan(span ?? items[0]?.arrival?.span, error);
      // Of a batch that will run again only its own span is kept: the messages' come from the attempt that succeeds.
      endSpans(items.length === 1 ? items : [], span);
      throw error;
    } finally {
      endTimer();
    }
  }

  /** Applies what is fresh, up to the first record that needs an operator: that one stops the partition once it is the first. */
  private transact(chunk: Chunk, items: readonly Item[], followers: Unit['followers']): Promise<Transacted> {
    const { claim, records } = chunk;
    const work = (tx: Transaction) => {
      const [first] = records as [RawRecord];
      const isAsLeft = claim.quiet && claim.expectedLastId === null && claim.passedOver.isNext(first.offset);
      const isPlain = first.offset >= claim.suspectBelow && !items.some((item) => stopAt(this.reader, item));
      return isAsLeft && isPlain
        ? this.applyAsExpected(tx, chunk, items, followers)
        : this.applyAsFound(tx, chunk, items, followers);
    };
    return this.reader.db.transaction(work, { plans: plansFor(records) });
  }

  /**
   * The position is nearly always as this process left it, so the work goes out behind the lock without waiting for what
   * that says: a round trip less in every batch. The answer is held against the expectation before anything is committed,
   * and only after the work has ended: what it still sent after a rollback would be outside any transaction.
   */
  private async applyAsExpected(
    tx: Transaction,
    chunk: Chunk,
    items: readonly Item[],
    followers: Unit['followers'],
  ): Promise<Transacted> {
    const { reader, place } = this;
    const { claim, records, logEnd } = chunk;
    const alone = claim.beside.mark();
    const locking = lockPosition(tx, place);
    const unit = { tx, reader, place, position: NOTHING_SET_ASIDE, dead: claim.dead, followers };
    const working = applyItems(unit, items);
    const [locked, worked] = await Promise.allSettled([locking, working]);
    if (locked.status === 'rejected') throw locked.reason;
    const position = locked.value;
    const fresh = fence(position, claim, records, logEnd);
    const isAlone = alone !== undefined && claim.beside.mark() === alone;
    claim.quiet = isAlone && position !== undefined && !position.hasParked && !position.hasWaiting;
    if (!claim.quiet || fresh.length < records.length) {
      claim.quiet = false;
      throw new RunAgain('the position is not as it was left');
    }
    if (worked.status === 'rejected') throw worked.reason;
    return { applied: worked.value, next: (records.at(-1) as RawRecord).offset + 1 };
  }

  private async applyAsFound(
    tx: Transaction,
    { claim, records, logEnd }: Chunk,
    items: readonly Item[],
    followers: Unit['followers'],
  ): Promise<Transacted> {
    const { reader, place } = this;
    const alone = claim.beside.mark();
    let position = await lockPosition(tx, place);
    // Told again, now that the lock is held: it may have been waited for.
    if (alone === undefined || claim.beside.mark() !== alone) position = await lockPosition(tx, place);
    const fresh = fence(position, claim, records, logEnd);
    const next = (records.at(-1) as RawRecord).offset + 1;
    if (!position || fresh.length === 0) return { next };
    const { todo, stop } = untilStop(reader, items.slice(-fresh.length));
    const last = todo.at(-1);
    if (!last) throw stop ?? new TypeError('nothing to apply and nothing to stop at');
    if (last.record.offset < claim.suspectBelow) await clearSuspects(tx, place, last.record.offset);
    const applied = await applyItems({ tx, reader, place, position, dead: claim.dead, followers }, todo);
    claim.quiet = !position.hasParked && !position.hasWaiting;
    return { applied, next: last.record.offset + 1 };
  }

  private afterCommit({ staged, handled, counts }: Applied): void {
    crashAt('batch-commit');
    staged.publish();
    handled?.afterCommit?.();
    const { group } = this.place;
    for (const [outcome, count] of Object.entries(counts)) if (count > 0) messagesTotal.inc({ group, outcome }, count);
  }
}

function untilStop(
  reader: Reader,
  items: readonly Item[],
): { todo: readonly Item[]; stop: PartitionStopped | undefined } {
  for (const [at, item] of items.entries()) {
    const stop = stopAt(reader, item);
    if (stop) return { todo: items.slice(0, at), stop };
  }
  return { todo: items, stop: undefined };
}

function endSpans(items: readonly Item[], batch: Span | undefined): void {
  for (const { arrival } of items) {
    if (batch) arrival?.span?.addLink({ context: batch.spanContext() });
    arrival?.span?.end();
  }
  batch?.end();
}
