import { isDeterministic, isStatementTimeout } from '@payflow/database';
import { logger } from '@payflow/telemetry';
import { decodeRecord } from '../envelope.js';
import { talliesByDay } from '../outbox/tally.js';
import {
  beginDrain,
  clearSubject,
  parkAgain,
  parkedMessages,
  postponeDrain,
  removeParked,
  type ParkedMessage,
  type ParkedSubject,
  type WishedSubject,
} from '../parking/parking.repository.js';
import { startMessageSpan } from '../trace.js';
import { applyArrivals, divertParked, endCopied, stageEffect, type Effect } from './batch.js';
import type { Beside } from './beside.js';
import { beginReplay, endReplay, failReplay, postponeReplay, type ReplayedRecord } from './dead-letter.repository.js';
import { addTallies, lockPosition, type Place } from './positions.repository.js';
import { FenceLost } from './stops.js';
import type { Arrival, Reader, Unit } from './unit.js';

const log = logger('runner');

const DRAIN_MESSAGES_MAX = 100;
/** A try is counted before it begins and taken back when it ends, however it ends: this many have ended their process. */
const TRIES_MAX = 3;
const KILLED = { name: 'killed_process', message: 'the process died handling it, repeatedly' };

/** A partition as its owner holds it. */
export interface Owned {
  readonly reader: Reader;
  readonly place: Place;
  readonly epoch: bigint;
  readonly beside: Beside;
  /** Event ids of dead letters. */
  readonly dead: Set<string>;
}

/**
 * Carries out what operators asked: applies a released subject's messages in the order in which they came, or refuses a discarded one's,
 * and lifts the mark when none is left; then replays dead letters. Runs under the position's lock, so newer messages of
 * the subject keep waiting behind the old ones until then.
 */
export async function carryOutWishes(owned: Owned): Promise<void> {
  // What was too many at once is too many the next time as well.
  for (let limit: number | undefined = DRAIN_MESSAGES_MAX; limit;) limit = await drainNext(owned, limit);
  while (await replayNext(owned));
}

/** Returns with how many at once to go on, or undefined where nothing is left to be done. */
async function drainNext(
  owned: Owned,
  limit: number,
  followers: Unit['followers'] = 'apply',
): Promise<number | undefined> {
  const { reader, place } = owned;
  const subject = await beginDrain(reader.db, place);
  if (!subject) return undefined;
  const refusal = subject.tries > TRIES_MAX ? KILLED : withoutHandler(reader, subject);
  if (refusal) {
    await parkAgain(reader.db, place.group, subject, refusal);
    return DRAIN_MESSAGES_MAX;
  }
  try {
    let isDone = false;
    await inUnit(owned, followers, async (unit) => {
      const { effect, isLifted } = await drainInside(unit, subject, limit);
      isDone = isLifted;
      return effect;
    });
    if (isDone) tellDone(owned, subject);
    return isDone ? DRAIN_MESSAGES_MAX : limit;
  } catch (error) {
    const isLastTry = limit === 1 && followers === 'park';
    if (isDeterministic(error) && isLastTry) await parkAgain(reader.db, place.group, subject, error as Error);
    else await postponeDrain(reader.db, place.group, subject);
    // So many take longer than a statement may, and will again.
    if (isStatementTimeout(error) && limit > 1) return drainNext(owned, Math.floor(limit / 2), followers);
    if (!isDeterministic(error)) throw error;
    // Together they failed: one by one, and then without what waits for it, shows which of them does.
    if (!isLastTry) {
      await drainNext(owned, 1, limit === 1 ? 'park' : 'apply');
      return DRAIN_MESSAGES_MAX;
    }
  }
  return DRAIN_MESSAGES_MAX;
}

/** Discarding without a refusal would lose the message: whoever waits for its outcome would wait for ever. */
function withoutHandler({ handlers }: Reader, { state }: ParkedSubject): { name: string; message: string } | undefined {
  if (state !== 'discarding' || handlers.discard) return undefined;
  return { name: 'not_discardable', message: 'this reader has no refusal to write' };
}

async function drainInside(
  unit: Unit,
  subject: ParkedSubject,
  limit: number,
): Promise<{ effect: Effect; isLifted: boolean }> {
  const { tx, place } = unit;
  const discarded = subject.state === 'discarding';
  const messages = await parkedMessages(tx, place.group, subject, limit);
  const effect = await applyArrivals(
    unit,
    messages.map((parked) => ({ ...arrivalOf(unit, parked), discarded })),
  );
  await removeParked(tx, place.group, messages);
  const isLifted = await clearSubject(tx, place.group, subject);
  await postponeDrain(tx, place.group, subject);
  return { effect, isLifted };
}

/** With the mark goes the row that says who asked for it: this line is what is left of that. */
function tellDone({ place }: Owned, { tenant, recordKey, state, actor, reason }: WishedSubject): void {
  const what = state === 'releasing' ? 'released' : 'discarded';
  log.info({ ...place, tenant, record_key: recordKey, actor, reason }, `a parked subject is ${what}`);
}

function arrivalOf({ reader, place }: Unit, { message, offset }: ParkedMessage): Arrival {
  const span = startMessageSpan(message, reader.spec.topic, reader.group, place.partition, undefined);
  return { message, offset, value: Buffer.from(JSON.stringify(message.data)), span };
}

async function replayNext(owned: Owned): Promise<boolean> {
  const { reader, place } = owned;
  const letter = await beginReplay(reader.db, place);
  if (!letter) return false;
  const { offset } = letter.record;
  const decoded = decodeRecord(letter.record, reader.spec.topic, reader.wanted);
  if (letter.tries > TRIES_MAX || decoded.kind !== 'message') {
    const reason = decoded.kind === 'undecodable' ? decoded.reason : decoded.kind;
    const cause = letter.tries > TRIES_MAX ? KILLED : { name: 'undecodable', message: reason };
    await failReplay(reader.db, letter.letter, cause);
    return true;
  }
  const value = letter.record.value as Buffer;
  const span = startMessageSpan(decoded.message, reader.spec.topic, reader.group, place.partition, undefined);
  await replay(owned, letter, { message: decoded.message, offset, value, span });
  return true;
}

async function replay(owned: Owned, { letter }: ReplayedRecord, arrival: Arrival): Promise<void> {
  const { reader, place } = owned;
  try {
    await inUnit(owned, 'apply', async (unit) => {
      const { flowing } = await divertParked(unit, [arrival]);
      const effect = await applyArrivals(unit, flowing);
      await endReplay(unit.tx, place, letter);
      return effect;
    });
  } catch (error) {
    if (isDeterministic(error)) return failReplay(reader.db, letter, error as Error);
    await postponeReplay(reader.db, letter);
    throw error;
  }
}

/** One transaction under the position's lock, with what it sends and counts; nothing if another process owns the place. */
async function inUnit(
  { reader, place, epoch, beside, dead }: Owned,
  followers: Unit['followers'],
  work: (unit: Unit) => Promise<Effect>,
): Promise<void> {
  const { staged, effect } = await beside.run(() =>
    reader.db.transaction(async (tx) => {
      await lockPosition(tx, place);
      // Told again, now that the lock is held: it may have been waited for, and a batch of this process may have parked something.
      const position = await lockPosition(tx, place);
      if (!position || position.epoch !== epoch) throw new FenceLost();
      const unit: Unit = { tx, reader, place, position, dead, followers };
      const effect = await work(unit);
      await endCopied(unit, effect.appliedIds);
      const staged = stageEffect(unit, effect, []);
      await addTallies(tx, place, talliesByDay(effect.appliedIds));
      return { staged, effect };
    }),
  );
  staged.publish();
  effect.handled?.afterCommit?.();
  for (const { span } of effect.ready) span?.end();
}
