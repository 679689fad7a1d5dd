import { context, trace } from '@opentelemetry/api';
import { TOPICS, crashAt, type AnyMessage } from '@payflow/contracts';
import { logger } from '@payflow/telemetry';
import type { RawRecord } from '../broker/port.js';
import { decodeRecord, type Decoded } from '../envelope.js';
import type { Staged } from '../outbox/outbox.js';
import { talliesByDay } from '../outbox/tally.js';
import type { AnyOutgoing, Envelope } from '../outgoing.js';
import { overfullSubject, parkedSubjects, storeParked, subjectKey } from '../parking/parking.repository.js';
import { startMessageSpan } from '../trace.js';
import { eventIdOf } from './event-id.js';
import { endDeadLetters, keepDeadLetter, type FailureCause } from './dead-letter.repository.js';
import { deadLetter } from './dead-letter.js';
import type { Handled, Handler } from './handler.js';
import { markReceived } from './inbox.repository.js';
import { messagesTotal } from './metrics.js';
import { advancePosition, type Place } from './positions.repository.js';
import { refuseUndecodable } from './refuse.js';
import { inSequence, refuseOutdone } from './sequence.js';
import { PartitionStopped } from './stops.js';
import type { Arrival, Reader, Unit } from './unit.js';

const log = logger('runner');

/** Past this a subject is no longer a poison message but a standstill. */
const PARKED_MESSAGES_MAX = 10_000;

/** A record with what it decoded to, and its message where it is one for us. */
export interface Item {
  readonly record: RawRecord;
  readonly decoded: Decoded;
  readonly arrival: Arrival | undefined;
}

type Outcome = 'applied' | 'skipped' | 'dead_lettered' | 'refused' | 'untold' | 'parked' | 'deferred';
export type Counts = Readonly<Record<Outcome, number>>;

export interface Applied {
  readonly staged: Staged;
  readonly handled: Handled | undefined;
  readonly counts: Counts;
}

/** What the messages of one unit led to. */
export interface Effect {
  readonly handled: Handled | undefined;
  readonly ready: readonly Arrival[];
  /** Ids of those whose effect was not there before. */
  readonly appliedIds: readonly string[];
  readonly deferred: number;
}

export function decodeItem(reader: Reader, place: Place, record: RawRecord): Item {
  const decoded = decodeRecord(record, reader.spec.topic, reader.wanted);
  if (decoded.kind !== 'message' || record.value === null) return { record, decoded, arrival: undefined };
  const { message } = decoded;
  const span = startMessageSpan(message, reader.spec.topic, reader.group, place.partition, undefined);
  return { record, decoded, arrival: { message, offset: record.offset, value: record.value, span } };
}

/** A record of a type that this reader of an event topic does not ask for. */
export function isPassedOver(record: RawRecord, { spec, wanted }: Reader): boolean {
  return TOPICS[spec.topic].kind === 'events' && decodeRecord(record, spec.topic, wanted).kind === 'skipped';
}

export function arrivalsOf(items: readonly Item[]): Arrival[] {
  return items.flatMap(({ arrival }) => arrival ?? []);
}

/** A newer publisher, or a command nobody here knows: skipping either would lose its meaning. */
export function stopAt(reader: Reader, { decoded, record }: Item): PartitionStopped | undefined {
  if (decoded.kind === 'newer')
    return new PartitionStopped('newer_message', `${decoded.type} at offset ${record.offset}`);
  if (decoded.kind !== 'unknown' || TOPICS[reader.spec.topic].kind !== 'commands') return undefined;
  return new PartitionStopped('unknown_command', `offset ${record.offset}`);
}

/** Applies the items inside the transaction that holds the position's lock, and moves the position past them. */
export async function applyItems(unit: Unit, items: readonly Item[]): Promise<Applied> {
  const { tx, place } = unit;
  const letters = await keepUndecodable(unit, items);
  const { flowing, parked } = await divertParked(unit, arrivalsOf(items));
  const effect = await applyArrivals(unit, flowing);
  // After what can be applied: of a command and its damaged copy in one batch, the command counts.
  const { refused, untold, followed } = await refuseUndecodable(unit, items);
  const appliedIds = [...effect.appliedIds, ...followed];
  await endCopied(unit, appliedIds);
  const staged = stageEffect(unit, withMessages(effect, refused), letters);
  const last = (items.at(-1) as Item).record;
  const to = { nextOffset: last.offset + 1, lastEventId: eventIdOf(last) };
  advancePosition(tx, place, to, talliesByDay(appliedIds));
  return {
    staged,
    handled: effect.handled,
    counts: {
      applied: appliedIds.length,
      skipped: items.filter(({ decoded }) => decoded.kind === 'skipped' || decoded.kind === 'unknown').length,
      dead_lettered: letters.length,
      refused: refused.length,
      untold,
      parked,
      deferred: effect.deferred,
    },
  };
}

/** Dead letters of which copies are applied by this transaction are done with. */
export async function endCopied({ tx, place, dead }: Unit, appliedIds: readonly string[]): Promise<void> {
  if (dead.size > 0)
    await endDeadLetters(
      tx,
      place,
      appliedIds.filter((id) => dead.has(id)),
    );
}

/** Hands messages to the reader: each once, in the order of their numbers. */
export async function applyArrivals(unit: Unit, arrivals: readonly Arrival[]): Promise<Effect> {
  const fresh = await dropReceived(unit, arrivals);
  const { ready, deferred, outdone } = await inSequence(unit, fresh);
  const handled = ready.length > 0 ? await handleInOrder(unit, ready) : undefined;
  if (handled) crashAt('effect');
  const { messages, refused } = await refuseOutdone(unit, outdone);
  const repeated = new Set(handled?.repeated);
  const appliedIds = [...ready, ...refused].map(({ message }) => message.id).filter((id) => !repeated.has(id));
  return withMessages({ handled, ready: [...ready, ...refused], appliedIds, deferred }, messages);
}

/** The outbox rows go out with COMMIT: nothing in the transaction needs them. */
export function stageEffect({ tx, reader }: Unit, { handled, ready }: Effect, finished: readonly Envelope[]): Staged {
  const spanById = new Map(ready.map(({ message, span }) => [message.id, span]));
  const outgoing = handled?.messages ?? [];
  const parentOf = ({ cause }: AnyOutgoing) => cause && spanById.get(cause.id);
  return reader.outbox.stageAtCommit(tx, { outgoing, finished, parentOf }, () => {
    if (outgoing.length > 0) crashAt('outbox-insert');
  });
}

function withMessages(effect: Effect, more: readonly AnyOutgoing[]): Effect {
  if (more.length === 0) return effect;
  return { ...effect, handled: { ...effect.handled, messages: [...(effect.handled?.messages ?? []), ...more] } };
}

async function keepUndecodable({ tx, place, dead }: Unit, items: readonly Item[]): Promise<Envelope[]> {
  const letters: Envelope[] = [];
  for (const { record, decoded } of items) {
    if (decoded.kind !== 'undecodable') continue;
    const cause: FailureCause = { errorClass: 'undecodable', errorMessage: decoded.reason, attempts: 1 };
    log.error(
      { ...place, offset: record.offset, reason: decoded.reason },
      'a record cannot be decoded; it is set aside',
    );
    // What comes of it may be in this very batch. Where the transaction fails, it is one id too many that is looked for.
    dead.add(eventIdOf(record) ?? '');
    if (await keepDeadLetter(tx, place, record, cause)) letters.push(deadLetter(place, record, cause, new Date()));
  }
  return letters;
}

/** Messages of a parked subject wait behind the one that parked it; all others flow, and so do copies of what was applied before. */
export async function divertParked(
  { tx, place, position, reader }: Unit,
  arrivals: readonly Arrival[],
): Promise<{ flowing: readonly Arrival[]; parked: number }> {
  if (!position.hasParked) return { flowing: arrivals, parked: 0 };
  const subjects = await parkedSubjects(tx, place);
  const barred = arrivals.filter(({ message }) => subjects.has(subjectKey(message.tenant, message.key)));
  if (barred.length === 0) return { flowing: arrivals, parked: 0 };
  const messages = barred.map(({ message }) => message);
  const known = new Set(await reader.handlers.known?.(messages, tx));
  const parked = barred.filter(({ message }) => !known.has(message.id));
  await storeParked(tx, place, parked);
  const overfull = await overfullSubject(tx, place, PARKED_MESSAGES_MAX);
  if (overfull) throw new PartitionStopped('parked_overflow', overfull);
  return { flowing: arrivals.filter((arrival) => !parked.includes(arrival)), parked: parked.length };
}

async function dropReceived({ tx, reader }: Unit, arrivals: readonly Arrival[]): Promise<Arrival[]> {
  const once = firstOfEach(reader, arrivals);
  const isInboxed = ({ message }: Arrival) => reader.inboxed.has(message.type);
  const received = once.filter(isInboxed).map(({ message, value }) => ({ id: message.id, value }));
  if (received.length === 0) return once;
  const { fresh, reused } = await markReceived(tx, reader.group, received);
  crashAt('inbox-insert');
  for (const id of reused) alarmReused(reader, id);
  return once.filter((arrival) => !isInboxed(arrival) || fresh.has(arrival.message.id));
}

function firstOfEach(reader: Reader, arrivals: readonly Arrival[]): Arrival[] {
  const first = new Map<string, Arrival>();
  for (const arrival of arrivals) {
    const known = first.get(arrival.message.id);
    if (!known) first.set(arrival.message.id, arrival);
    else if (!known.value.equals(arrival.value)) alarmReused(reader, arrival.message.id);
  }
  return [...first.values()];
}

function alarmReused({ group }: Reader, id: string): void {
  messagesTotal.inc({ group, outcome: 'id_reused' });
  log.error({ group, event_id: id }, 'ALARM: two different messages carry the same id; the second is not applied');
}

/** What an operator has discarded is refused at its place among the others. */
export async function handleInOrder(unit: Unit, arrivals: readonly Arrival[]): Promise<Handled> {
  const { handle, discard } = unit.reader.handlers;
  if (!discard || !arrivals.some(({ discarded }) => discarded)) return handleTraced(unit, arrivals, handle);
  const parts: Handled[] = [];
  for (let at = 0, end: number; at < arrivals.length; at = end) {
    const { discarded } = arrivals[at] as Arrival;
    const other = arrivals.findIndex((arrival, nth) => nth > at && arrival.discarded !== discarded);
    end = other < 0 ? arrivals.length : other;
    parts.push(await handleTraced(unit, arrivals.slice(at, end), discarded ? discard : handle));
  }
  return {
    messages: parts.flatMap(({ messages }) => messages),
    repeated: parts.flatMap(({ repeated = [] }) => repeated),
    afterCommit: () => {
      for (const part of parts) part.afterCommit?.();
    },
  };
}

/** The handler's own SQL lies under the batch's span, or under the message's when it is alone. */
async function handleTraced({ tx }: Unit, arrivals: readonly Arrival[], handle: Handler): Promise<Handled> {
  const messages: AnyMessage[] = arrivals.map(({ message }) => message);
  const alone = arrivals.length === 1 ? arrivals[0]?.span : undefined;
  const active = alone ? trace.setSpan(context.active(), alone) : context.active();
  return context.with(active, () => handle(messages, tx));
}
