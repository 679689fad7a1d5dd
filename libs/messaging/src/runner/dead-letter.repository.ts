import { SUBSCRIPTIONS, type Group } from '@payflow/contracts';
import { statement, type Database, type Row, type Transaction } from '@payflow/database';
import type { RawRecord } from '../broker/port.js';
import { parseTraceparent } from '../trace.js';
import { eventIdOf } from './event-id.js';
import type { Place } from './positions.repository.js';
import { storableHeaders, storableText } from './storable.js';

export interface FailureCause {
  readonly errorClass: string;
  readonly errorMessage: string;
  readonly attempts: number;
  /** When it was first tried, if that was before. */
  readonly firstAt?: Date;
}

/** A dead letter as operators see it. */
export interface DeadLetterListing extends FailureCause {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly eventId: string | null;
  /** `settled`: never applied, and needs nobody: its sender was told of a refusal, or an operator has discarded it. */
  readonly state: 'dead' | 'replaying' | 'replayed' | 'settled';
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly traceId: string | null;
  readonly actor: string | null;
  readonly reason: string | null;
}

/** A dead letter's record, as it came, to be tried once more. */
export interface ReplayedRecord {
  readonly record: RawRecord;
  /** Replays begun and not ended: more than a few mean that it ends its process. */
  readonly tries: number;
}

/** Where one dead letter lies: a reader's group, and the record's place in its topic. */
export interface DeadLetterPlace {
  readonly group: Group;
  readonly partition: number;
  readonly offset: number;
}

const INSERT = statement(
  'dead-letters.insert',
  `insert into dead_letters (consumer_group, topic, partition, record_offset, event_id, error_class, error_message, attempts,
     first_at, trace_id, record_key, record_value, record_headers)
   values ($1, $2, $3, $4, $5, $6, $7, $8, coalesce($13, clock_timestamp()), $9, $10, $11, $12)
   on conflict do nothing`,
);

const LIST = statement(
  'dead-letters.list',
  `select consumer_group as "group", topic, partition, record_offset as "offset", event_id as "eventId", state,
     error_class as "errorClass", error_message as "errorMessage", attempts, first_at as "firstAt", last_at as "lastAt",
     trace_id as "traceId", actor, reason
   from dead_letters where ($1::text is null or consumer_group = $1) order by last_at desc, record_offset desc limit $2`,
);

const REQUEST = statement(
  'dead-letters.request-replay',
  `update dead_letters set state = 'replaying', tries = 0, actor = $5, reason = $6
   where consumer_group = $1 and topic = $2 and partition = $3 and record_offset = $4 and state = 'dead'`,
);

const DISCARD = statement(
  'dead-letters.discard',
  `update dead_letters set state = 'settled', last_at = clock_timestamp(), actor = $5, reason = $6
   where consumer_group = $1 and topic = $2 and partition = $3 and state = 'dead'
     and (record_offset = $4 or event_id = (
       select event_id from dead_letters where consumer_group = $1 and topic = $2 and partition = $3 and record_offset = $4))`,
);

const SETTLE = statement(
  'dead-letters.settle',
  `update dead_letters set state = 'settled', last_at = clock_timestamp(), reason = 'its sender was told that it is refused'
   where consumer_group = $1 and topic = $2 and partition = $3 and record_offset = any ($4::bigint[]) and state = 'dead'`,
);

const NEXT = statement(
  'dead-letters.begin-replay',
  `update dead_letters set tries = tries + 1
   where consumer_group = $1 and partition = $2 and record_offset = (
     select min(record_offset) from dead_letters where consumer_group = $1 and partition = $2 and state = 'replaying')
   returning record_offset, record_key, record_value, record_headers, tries`,
);

// Of one that is not being replayed any more, another process has said what became of it.
const END = statement(
  'dead-letters.end-replay',
  `update dead_letters set state = $4, tries = 0, last_at = clock_timestamp()
   where consumer_group = $1 and partition = $2 and record_offset = $3 and state = 'replaying'`,
);

// Copies of it are done with as well.
const END_REPLAYED = statement(
  'dead-letters.end-replayed',
  `update dead_letters set state = 'replayed', tries = 0, last_at = clock_timestamp()
   where consumer_group = $1 and topic = $2 and partition = $3 and (record_offset = $4 and state = 'replaying'
     or state in ('dead', 'settled') and event_id = (
       select event_id from dead_letters where consumer_group = $1 and topic = $2 and partition = $3 and record_offset = $4))`,
);

const END_COPIED = statement(
  'dead-letters.end-copied',
  `update dead_letters set state = 'replayed', tries = 0, last_at = clock_timestamp(), reason = 'a copy of it was applied'
   where consumer_group = $1 and topic = $2 and partition = $3 and event_id = any ($4::text[]) and state <> 'replayed'`,
);

const FAIL = statement(
  'dead-letters.fail-replay',
  `update dead_letters set state = 'dead', tries = 0, last_at = clock_timestamp(), error_class = $4, error_message = $5,
     attempts = attempts + 1
   where consumer_group = $1 and partition = $2 and record_offset = $3 and state = 'replaying'`,
);

const COUNT = statement(
  'dead-letters.count',
  `select count(*)::integer as count from dead_letters where consumer_group = $1 and state in ('dead', 'replaying')`,
);

const REASON_LENGTH_MAX = 500;
const LIST_MAX = 1_000;

/** Keeps a record that can never be applied, whole, with why. False when it is kept already: the record was read again. */
export async function keepDeadLetter(
  tx: Transaction,
  place: Place,
  record: RawRecord,
  cause: FailureCause,
): Promise<boolean> {
  const inserted = await tx.count(INSERT, [
    place.group,
    place.topic,
    place.partition,
    record.offset,
    eventIdOf(record),
    storableText(cause.errorClass, REASON_LENGTH_MAX),
    storableText(cause.errorMessage, REASON_LENGTH_MAX),
    cause.attempts,
    parseTraceparent(record.headers['traceparent']?.toString())?.traceId ?? null,
    record.key,
    record.value,
    JSON.stringify(storableHeaders(record)),
    cause.firstAt ?? null,
  ]);
  return inserted > 0;
}

/** Dead letters of one reader, or of all of a database's, newest first. */
export async function listDeadLetters(db: Database, group?: Group, limit = LIST_MAX): Promise<DeadLetterListing[]> {
  return db.rows<DeadLetterListing & Row>(LIST, [group ?? null, Math.min(limit, LIST_MAX)]);
}

/** An operator's wish, carried out by the partition's owner within seconds. False when no such letter is dead. */
export async function requestReplay(
  db: Database,
  { group, partition, offset }: DeadLetterPlace,
  wish: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const { topic } = SUBSCRIPTIONS[group];
  return (await db.count(REQUEST, [group, topic, partition, offset, wish.actor, wish.reason])) > 0;
}

/** For a record that can never be applied, and its copies: nobody is told of it any more, and its row says who decided so. False when no such letter is dead. */
export async function discardDeadLetter(
  db: Database,
  { group, partition, offset }: DeadLetterPlace,
  wish: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const { topic } = SUBSCRIPTIONS[group];
  const reason = `discarded: ${wish.reason}`;
  return (await db.count(DISCARD, [group, topic, partition, offset, wish.actor, reason])) > 0;
}

/** Takes the oldest letter that is to be replayed, counting the try before it begins. */
export async function beginReplay(db: Database, place: Place): Promise<ReplayedRecord | undefined> {
  const [row] = await db.rows<{
    record_offset: bigint;
    record_key: Buffer | null;
    record_value: Buffer | null;
    record_headers: Record<string, string | string[]>;
    tries: number;
  }>(NEXT, [place.group, place.partition]);
  if (!row) return undefined;
  const { record_offset, record_key: key, record_value: value, record_headers: headers, tries } = row;
  return { record: { offset: Number(record_offset), key, value, headers, timestamp: '0' }, tries };
}

export async function endReplay(tx: Transaction, place: Place, offset: number): Promise<void> {
  await tx.count(END_REPLAYED, [place.group, place.topic, place.partition, offset]);
}

/** Whoever sent these records was told that they are refused: nobody has to look after them. */
export async function settleDeadLetters(tx: Transaction, place: Place, offsets: readonly number[]): Promise<void> {
  if (offsets.length > 0) await tx.count(SETTLE, [place.group, place.topic, place.partition, offsets]);
}

/** What came as another record is applied: its dead letters are done with, as if they had been replayed. None for nothing. */
export async function endDeadLetters(tx: Transaction, place: Place, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length > 0) await tx.count(END_COPIED, [place.group, place.topic, place.partition, eventIds]);
}

/** The weather, not the letter: it is tried again. */
export async function postponeReplay(db: Database, place: Place, offset: number): Promise<void> {
  await db.count(END, [place.group, place.partition, offset, 'replaying']);
}

export async function failReplay(
  db: Database,
  place: Place,
  offset: number,
  error: { name: string; message: string },
): Promise<void> {
  const { name, message } = error;
  await db.count(FAIL, [
    place.group,
    place.partition,
    offset,
    storableText(name, REASON_LENGTH_MAX),
    storableText(message, REASON_LENGTH_MAX),
  ]);
}

export async function countDeadLetters(db: Database, group: string): Promise<number> {
  const [row] = await db.rows<{ count: number }>(COUNT, [group]);
  return row?.count ?? 0;
}
