import { context, trace, type Span } from '@opentelemetry/api';
import { SUBSCRIPTIONS, TOPICS, crashAt, type AnyMessage, type Group, type SubscriptionSpec } from '@payflow/contracts';
import type { Transaction } from '@payflow/database';
import type { RawRecord } from '../broker/port.js';
import { decodeRecord, type Decoded } from '../envelope.js';
import type { Outbox, Staged } from '../outbox/outbox.js';
import { talliesByDay } from '../outbox/tally.js';
import type { AnyOutgoing, Envelope } from '../outgoing.js';
import { parkedSubjects, storeParked, subjectKey, type ParkedMessage } from '../parking/parking.repository.js';
import { startMessageSpan } from '../trace.js';
import { deadLetter } from './dead-letter.js';
import { keepDeadLetter, type FailureCause } from './failures.repository.js';
import type { Handled, Handler } from './handler.js';
import { markReceived } from './inbox.repository.js';
import { advancePosition, type LockedPosition, type Place } from './positions.repository.js';
import { PartitionStopped } from './stops.js';

/** A record with what it decoded to and the span of its message, made once however often the transaction runs. */
export interface Item {
  readonly record: RawRecord;
  readonly decoded: Decoded;
  readonly span: Span | undefined;
}

export interface Applied {
  readonly staged: Staged;
  readonly handled: Handled | undefined;
  readonly counts: { readonly applied: number; readonly skipped: number; readonly deadLettered: number; readonly parked: number };
}

/** Everything that one group needs to apply a batch. */
export interface BatchContext {
  readonly group: Group;
  readonly spec: SubscriptionSpec;
  readonly wanted: ReadonlySet<string>;
  readonly outbox: Outbox;
  readonly handle: Handler;
}

export function batchContext(group: Group, outbox: Outbox, handle: Handler): BatchContext {
  const spec: SubscriptionSpec = SUBSCRIPTIONS[group];
  return { group, spec, wanted: new Set(spec.types), outbox, handle };
}

export function decodeItem(batch: BatchContext, place: Place, record: RawRecord): Item {
  const decoded = decodeRecord(record, batch.spec.topic, batch.wanted);
  const span =
    decoded.kind === 'message' ? startMessageSpan(decoded.message, batch.spec.topic, batch.group, place.partition, undefined) : undefined;
  return { record, decoded, span };
}

/** Applies the items inside the transaction that holds the position's lock, and moves the position past them. */
export async function applyItems(tx: Transaction, batch: BatchContext, place: Place, position: LockedPosition, items: readonly Item[]): Promise<Applied> {
  refuseWhatNeedsAnOperator(batch, items);
  const dead = await keepUndecodable(tx, place, items);
  const { flowing, parked } = await divertParked(tx, place, position, items);
  const fresh = await dropReceived(tx, batch, flowing);
  const handled = fresh.length > 0 ? await handleTraced(batch, fresh, tx) : undefined;
  crashAt('effect');
  const staged = await stageMessages(tx, batch, handled?.messages ?? [], dead, fresh);
  const last = items.at(-1) as Item;
  const repeated = new Set(handled?.repeated);
  const appliedIds = fresh.map(({ decoded }) => messageOf(decoded).id).filter((id) => !repeated.has(id));
  await advancePosition(tx, place, { nextOffset: last.record.offset + 1, lastEventId: idOf(last) }, talliesByDay(appliedIds));
  return {
    staged,
    handled,
    counts: {
      applied: appliedIds.length,
      skipped: items.filter(({ decoded }) => decoded.kind === 'skipped' || decoded.kind === 'unknown').length,
      deadLettered: dead.length,
      parked: parked.length,
    },
  };
}

/** A newer publisher, or a command nobody here knows: skipping either would lose its meaning. */
function refuseWhatNeedsAnOperator(batch: BatchContext, items: readonly Item[]): void {
  for (const { decoded, record } of items) {
    if (decoded.kind === 'newer') throw new PartitionStopped('newer_message', `${decoded.type} at offset ${record.offset}`);
    if (decoded.kind === 'unknown' && TOPICS[batch.spec.topic].kind === 'commands') {
      throw new PartitionStopped('unknown_command', `offset ${record.offset}`);
    }
  }
}

async function keepUndecodable(tx: Transaction, place: Place, items: readonly Item[]): Promise<Envelope[]> {
  const letters: Envelope[] = [];
  for (const { record, decoded } of items) {
    if (decoded.kind !== 'undecodable') continue;
    const cause: FailureCause = { errorClass: 'undecodable', errorMessage: decoded.reason, attempts: 1 };
    await keepDeadLetter(tx, place, record, decoded.eventId, cause);
    letters.push(deadLetter(place, record, cause, new Date()));
  }
  return letters;
}

/** Messages of a parked subject wait behind the one that parked it; all others flow. */
async function divertParked(tx: Transaction, place: Place, position: LockedPosition, items: readonly Item[]): Promise<{ flowing: Item[]; parked: ParkedMessage[] }> {
  const decodable = items.filter(({ decoded }) => decoded.kind === 'message');
  if (!position.hasParked) return { flowing: decodable, parked: [] };
  const subjects = await parkedSubjects(tx, place);
  const flowing: Item[] = [];
  const parked: ParkedMessage[] = [];
  for (const item of decodable) {
    const message = messageOf(item.decoded);
    if (subjects.has(subjectKey(message.tenant, message.key))) parked.push({ message, offset: item.record.offset });
    else flowing.push(item);
  }
  if (parked.length > 0) await storeParked(tx, place, parked);
  return { flowing, parked };
}

async function dropReceived(tx: Transaction, batch: BatchContext, items: readonly Item[]): Promise<Item[]> {
  const once = [...new Map(items.map((item) => [messageOf(item.decoded).id, item])).values()];
  if (batch.spec.mark !== 'inbox' || once.length === 0) return once;
  const fresh = await markReceived(tx, batch.group, once.map(({ decoded }) => messageOf(decoded).id));
  crashAt('inbox-insert');
  return once.filter(({ decoded }) => fresh.has(messageOf(decoded).id));
}

/** The handler's own SQL lies under the batch's span, or under the message's when it is alone. */
async function handleTraced(batch: BatchContext, items: readonly Item[], tx: Transaction): Promise<Handled> {
  const messages = items.map(({ decoded }) => messageOf(decoded));
  const alone = items.length === 1 ? items[0]?.span : undefined;
  const active = alone ? trace.setSpan(context.active(), alone) : context.active();
  return context.with(active, () => batch.handle(messages, tx));
}

async function stageMessages(tx: Transaction, batch: BatchContext, outgoing: readonly AnyOutgoing[], dead: readonly Envelope[], items: readonly Item[]): Promise<Staged> {
  const spanById = new Map(items.map(({ decoded, span }) => [messageOf(decoded).id, span]));
  const staged = await batch.outbox.stageEnvelopes(tx, outgoing, dead, (message) => message.cause && spanById.get(message.cause.id));
  if (outgoing.length > 0) crashAt('outbox-insert');
  return staged;
}

export function messageOf(decoded: Decoded): AnyMessage {
  if (decoded.kind !== 'message') throw new TypeError(`a ${decoded.kind} record has no message`);
  return decoded.message;
}

/** The event id at the end of a batch, by which the next owner recognises the place. */
function idOf({ record }: Item): string | null {
  return record.headers['ce_id']?.toString() ?? null;
}
