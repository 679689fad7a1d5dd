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
  /** Its own number: an offset is of one log, and another record lies there when that was lost. */
  readonly letter: bigint;
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
  readonly letter: bigint;
  readonly record: RawRecord;
  /** Replays begun and not ended: more than a few mean that it ends its process. */
  readonly tries: number;
}

/** Where one dead letter lies: a reader's group, and the record's place in its topic. */
export interface DeadLetterPlace {
  readonly group: Group;
  readonly partition: number;
  readonly offset: number;
  /** Which one, where records of two logs lie at the offset. */
  readonly letter?: number | undefined;
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
  `select arrival as letter, consumer_group as "group", topic, partition, record_offset as "offset", event_id as "eventId", state,
     error_class as "errorClass", error_message as "errorMessage", attempts, first_at as "firstAt", last_at as "lastAt",
     trace_id as "traceId", actor, reason
   from dead_letters where ($1::text is null or consumer_group = $1) order by state in ('dead', 'replaying') desc, last_at desc, arrival desc limit $2`,
);

const FIND = statement(
  'dead-letters.find',
  `select arrival as letter from dead_letters
   where consumer_group = $1 and topic = $2 and partition = $3 and record_offset = $4 and state = 'dead' and arrival = coalesce($5, arrival)`,
);

const REQUEST = statement(
  'dead-letters.request-replay',
  `update dead_letters set state = 'replaying', tries = 0, actor = $2, reason = $3 where arrival = $1 and state = 'dead'`,
);

/** A letter and all of its copies. */
const WITH_COPIES = `consumer_group = $2 and topic = $3 and partition = $4
     and (arrival = $1 or event_id = (select event_id from dead_letters where arrival = $1))`;

const DISCARD = statement(
  'dead-letters.discard',
  `update dead_letters set state = 'settled', last_at = clock_timestamp(), actor = $5, reason = $6 where ${WITH_COPIES} and state = 'dead'`,
);

const SETTLE = statement(
  'dead-letters.settle',
  `update dead_letters set state = 'settled', last_at = clock_timestamp(), reason = 'its sender was told that it is refused'
   where consumer_group = $1 and topic = $2 and partition = $3 and state = 'dead'
     and (record_offset, event_id) in (select * from unnest($4::bigint[], $5::text[]))`,
);

const NEXT = statement(
  'dead-letters.begin-replay',
  `update dead_letters set tries = tries + 1
   where arrival = (
     select arrival from dead_letters where consumer_group = $1 and partition = $2 and state = 'replaying' order by arrival limit 1)
   returning arrival, record_offset, record_key, record_value, record_headers, tries`,
);

// Of one that is not being replayed any more, another process has said what became of it.
const POSTPONE = statement(
  'dead-letters.postpone-replay',
  `update dead_letters set tries = 0, last_at = clock_timestamp() where arrival = $1 and state = 'replaying'`,
);

// Copies of it are done with as well.
const END_REPLAYED = statement(
  'dead-letters.end-replayed',
  `update dead_letters set state = 'replayed', tries = 0, last_at = clock_timestamp()
   where ${WITH_COPIES} and (state = 'replaying' and arrival = $1 or state in ('dead', 'settled') and arrival <> $1)`,
);

const END_COPIED = statement(
  'dead-letters.end-copied',
  `update dead_letters set state = 'replayed', tries = 0, last_at = clock_timestamp(), reason = 'a copy of it was applied'
   where consumer_group = $1 and topic = $2 and partition = $3 and event_id = any ($4::text[]) and state <> 'replayed'`,
);

const FAIL = statement(
  'dead-letters.fail-replay',
  `update dead_letters set state = 'dead', tries = 0, last_at = clock_timestamp(), error_class = $2, error_message = $3,
     attempts = attempts + 1
   where arrival = $1 and state = 'replaying'`,
);

const COUNT = statement(
  'dead-letters.count',
  `select count(*)::integer as count from dead_letters where consumer_group = $1 and state in ('dead', 'replaying')`,
);

const REASON_LENGTH_MAX = 500;
/** What is listed at once of one database. */
export const DEAD_LETTERS_LISTED_MAX = 1_000;

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

/** Dead letters of one reader, or of all of a database's: first those that somebody has to look after, each newest first. */
export async function listDeadLetters(
  db: Database,
  group?: Group,
  limit = DEAD_LETTERS_LISTED_MAX,
): Promise<DeadLetterListing[]> {
  return db.rows<DeadLetterListing & Row>(LIST, [group ?? null, Math.min(limit, DEAD_LETTERS_LISTED_MAX)]);
}

/** An operator's wish, carried out by the partition's owner within seconds. False when no such letter is dead. */
export async function requestReplay(
  db: Database,
  place: DeadLetterPlace,
  wish: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const letter = await findLetter(db, place);
  return letter !== undefined && (await db.count(REQUEST, [letter, wish.actor, wish.reason])) > 0;
}

/** For a record that can never be applied, and its copies: nobody is told of it any more, and its row says who decided so. False when no such letter is dead. */
export async function discardDeadLetter(
  db: Database,
  place: DeadLetterPlace,
  wish: { readonly actor: string; readonly reason: string },
): Promise<boolean> {
  const letter = await findLetter(db, place);
  if (letter === undefined) return false;
  const { topic } = SUBSCRIPTIONS[place.group];
  const reason = `discarded: ${wish.reason}`;
  return (await db.count(DISCARD, [letter, place.group, topic, place.partition, wish.actor, reason])) > 0;
}

async function findLetter(
  db: Database,
  { group, partition, offset, letter = undefined }: DeadLetterPlace,
): Promise<bigint | undefined> {
  const { topic } = SUBSCRIPTIONS[group];
  const found = await db.rows<{ letter: bigint }>(FIND, [group, topic, partition, offset, letter ?? null]);
  if (found.length > 1) {
    const letters = found.map((row) => row.letter).join(' and ');
    throw new Error(
      `records of ${found.length} logs are dead-lettered at offset ${offset}: say which, of letters ${letters}`,
    );
  }
  return found[0]?.letter;
}

/** Takes the oldest letter that is to be replayed, counting the try before it begins. */
export async function beginReplay(db: Database, place: Place): Promise<ReplayedRecord | undefined> {
  const [row] = await db.rows<{
    arrival: bigint;
    record_offset: bigint;
    record_key: Buffer | null;
    record_value: Buffer | null;
    record_headers: Record<string, string | string[]>;
    tries: number;
  }>(NEXT, [place.group, place.partition]);
  if (!row) return undefined;
  const { arrival: letter, record_offset, record_key: key, record_value: value, record_headers: headers, tries } = row;
  return { letter, record: { offset: Number(record_offset), key, value, headers, timestamp: '0' }, tries };
}

export async function endReplay(tx: Transaction, place: Place, letter: bigint): Promise<void> {
  await tx.count(END_REPLAYED, [letter, place.group, place.topic, place.partition]);
}

/** Whoever sent these records was told that they are refused: nobody has to look after them. */
export async function settleDeadLetters(tx: Transaction, place: Place, records: readonly RawRecord[]): Promise<void> {
  if (records.length === 0) return;
  const [offsets, events] = [records.map(({ offset }) => offset), records.map(eventIdOf)];
  await tx.count(SETTLE, [place.group, place.topic, place.partition, offsets, events]);
}

/** What came as another record is applied: its dead letters are done with, as if they had been replayed. None for nothing. */
export async function endDeadLetters(tx: Transaction, place: Place, eventIds: readonly string[]): Promise<void> {
  if (eventIds.length > 0) await tx.count(END_COPIED, [place.group, place.topic, place.partition, eventIds]);
}

/** The weather, not the letter: it is tried again. */
export async function postponeReplay(db: Database, letter: bigint): Promise<void> {
  await db.count(POSTPONE, [letter]);
}

export async function failReplay(
  db: Database,
  letter: bigint,
  error: { name: string; message: string },
): Promise<void> {
  const { name, message } = error;
  await db.count(FAIL, [letter, storableText(name, REASON_LENGTH_MAX), storableText(message, REASON_LENGTH_MAX)]);
}

export async function countDeadLetters(db: Database, group: string): Promise<number> {
  const [row] = await db.rows<{ count: number }>(COUNT, [group]);
  return row?.count ?? 0;
}
