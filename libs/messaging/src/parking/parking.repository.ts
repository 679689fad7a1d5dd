import { uuidOf, type AnyMessage } from '@payflow/contracts';
import { joinJson, statement, type Database, type Row, type Transaction } from '@payflow/database';
import type { FailureCause } from '../runner/dead-letter.repository.js';
import type { Place } from '../runner/positions.repository.js';
import { storableText } from '../runner/storable.js';

const REASON_LENGTH_MAX = 500;

export type ParkedState = 'parked' | 'releasing' | 'discarding';

/** A record key of one tenant that stands still for one reader, because a message of it could not be applied. */
export interface ParkedSubject {
  readonly tenant: string;
  readonly recordKey: string;
  readonly state: ParkedState;
}

/** A subject that an operator asked something for: who, why, and how often it was begun. */
export interface WishedSubject extends ParkedSubject {
  readonly tries: number;
  readonly actor: string | null;
  readonly reason: string | null;
}

export interface ParkedMessage {
  readonly message: AnyMessage;
  readonly offset: number;
}

const FIND = statement(
  'parking.find',
  `select tenant, record_key as "recordKey", state from parked_subjects where consumer_group = $1 and topic = $2 and partition = $3`,
);

const PARK = statement(
  'parking.park-subject',
  `insert into parked_subjects (consumer_group, tenant, record_key, state, error_class, error_message, attempts, topic, partition)
   values ($1, $2, $3, 'parked', $4, $5, $6, $7, $8) on conflict (consumer_group, tenant, record_key) do nothing`,
);

const STORE = statement(
  'parking.store-messages',
  `insert into parked_messages (consumer_group, tenant, record_key, topic, partition, record_offset, event_id, message)
   select $1, tenant, record_key, $2, $3, record_offset, event_id, message
   from unnest($4::text[], $5::text[], $6::bigint[], $7::uuid[], string_to_array($8, chr(30))::json[]) as m (tenant, record_key, record_offset, event_id, message)
   on conflict (consumer_group, event_id) do nothing`,
);

const WAITING = statement(
  'parking.messages-of-subject',
  `select message, record_offset from parked_messages
   where consumer_group = $1 and tenant = $2 and record_key = $3 order by arrival limit $4`,
);

const OVERFULL = statement(
  'parking.overfull-subject',
  `select tenant, record_key as "recordKey", count(*)::integer as waiting from parked_messages
   where consumer_group = $1 and topic = $2 and partition = $3 group by tenant, record_key having count(*) > $4 limit 1`,
);

const BEGIN_DRAIN = statement(
  'parking.begin-drain',
  `update parked_subjects set tries = tries + 1
   where (consumer_group, tenant, record_key) = (
     select consumer_group, tenant, record_key from parked_subjects
     where consumer_group = $1 and topic = $2 and partition = $3 and state <> 'parked' order by parked_at limit 1)
   returning tenant, record_key as "recordKey", state, tries, actor, reason`,
);

const POSTPONE_DRAIN = statement(
  'parking.postpone-drain',
  `update parked_subjects set tries = 0 where consumer_group = $1 and tenant = $2 and record_key = $3`,
);

const PARK_AGAIN = statement(
  'parking.park-again',
  `update parked_subjects set state = 'parked', error_class = $4, error_message = $5, attempts = attempts + 1, tries = 0
   where consumer_group = $1 and tenant = $2 and record_key = $3`,
);

const STAND_STILL = statement(
  'parking.stand-still',
  `update parked_subjects set state = 'parked' where consumer_group = $1 and tenant = $2 and record_key = $3 and state <> 'parked'`,
);

const REMOVE = statement(
  'parking.remove-messages',
  `delete from parked_messages where consumer_group = $1 and event_id = any ($2::uuid[])`,
);

const CLEAR = statement(
  'parking.clear-subject',
  `delete from parked_subjects where consumer_group = $1 and tenant = $2 and record_key = $3
     and not exists (select from parked_messages m where m.consumer_group = $1 and m.tenant = $2 and m.record_key = $3)`,
);

const REQUEST = statement(
  'parking.request',
  `update parked_subjects set state = $4, actor = $5, reason = $6
   where consumer_group = $1 and tenant = $2 and record_key = $3 and state in ('parked', $4)`,
);

const LIST = statement(
  'parking.list',
  `select s.consumer_group as "group", s.tenant, s.record_key as "recordKey", s.state, s.error_class as "errorClass",
     s.error_message as "errorMessage", s.attempts, s.topic, s.partition, s.parked_at as "parkedAt", s.actor, s.reason,
     (select count(*)::integer from parked_messages m
      where m.consumer_group = s.consumer_group and m.tenant = s.tenant and m.record_key = s.record_key) as waiting,
     (select string_agg(distinct case m.message ->> 'livemode' when 'true' then 'live' else 'test' end, ', ') from parked_messages m
      where m.consumer_group = s.consumer_group and m.tenant = s.tenant and m.record_key = s.record_key) as modes
   from parked_subjects s order by s.parked_at`,
);

const COUNT = statement(
  'parking.count',
  `select count(*)::integer as count from parked_messages where consumer_group = $1`,
);

export interface ParkedListing extends ParkedSubject, FailureCause {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly parkedAt: Date;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly waiting: number;
  /** Of what waits: `live`, `test`, or both where a key means something in either. */
  readonly modes: string | null;
}

/** The parked subjects whose messages lie in the place's partition, by {@link subjectKey}. */
export async function parkedSubjects(tx: Transaction, place: Place): Promise<Map<string, ParkedSubject>> {
  const rows = await tx.rows<ParkedSubject>(FIND, [place.group, place.topic, place.partition]);
  return new Map(rows.map((row) => [subjectKey(row.tenant, row.recordKey), row]));
}

export function subjectKey(tenant: string, recordKey: string): string {
  return `${tenant}/${recordKey}`;
}

export async function parkSubject(
  tx: Transaction,
  place: Place,
  message: AnyMessage,
  cause: FailureCause,
): Promise<void> {
  await tx.rows(PARK, [
    place.group,
    message.tenant,
    message.key,
    storableText(cause.errorClass, REASON_LENGTH_MAX),
    storableText(cause.errorMessage, REASON_LENGTH_MAX),
    cause.attempts,
    place.topic,
    place.partition,
  ]);
}

/** More is parked than an operator was shown: what was asked for the rest is asked for anew. */
export async function standStill(tx: Transaction, place: Place, { tenant, key }: AnyMessage): Promise<void> {
  await tx.count(STAND_STILL, [place.group, tenant, key]);
}

/** Stores messages of parked subjects, to be applied in the order in which they came when the subject is released. */
export async function storeParked(tx: Transaction, place: Place, messages: readonly ParkedMessage[]): Promise<void> {
  await tx.rows(STORE, [
    place.group,
    place.topic,
    place.partition,
    messages.map(({ message }) => message.tenant),
    messages.map(({ message }) => message.key),
    messages.map(({ offset }) => offset),
    messages.map(({ message }) => uuidOf('event', message.id)),
    joinJson(messages.map(({ message }) => JSON.stringify(message))),
  ]);
}

/** The oldest messages of a parked subject, in the order in which they came: also across two logs, of which each counts its own offsets. */
export async function parkedMessages(
  tx: Transaction,
  group: string,
  subject: ParkedSubject,
  limit: number,
): Promise<ParkedMessage[]> {
  const rows = await tx.rows<{ message: AnyMessage; record_offset: bigint }>(WAITING, [
    group,
    subject.tenant,
    subject.recordKey,
    limit,
  ]);
  return rows.map(({ message, record_offset }) => ({ message, offset: Number(record_offset) }));
}

/** A subject of the partition behind which more than `messages_max` wait, if there is one. */
export async function overfullSubject(
  tx: Transaction,
  place: Place,
  messages_max: number,
): Promise<string | undefined> {
  const [row] = await tx.rows<{ tenant: string; recordKey: string; waiting: number }>(OVERFULL, [
    place.group,
    place.topic,
    place.partition,
    messages_max,
  ]);
  return row && `${row.waiting} messages wait behind ${subjectKey(row.tenant, row.recordKey)}`;
}

/** Takes the subject an operator asked for first, counting the try before it begins. */
export async function beginDrain(db: Database, place: Place): Promise<WishedSubject | undefined> {
  const [row] = await db.rows<WishedSubject & Row>(BEGIN_DRAIN, [place.group, place.topic, place.partition]);
  return row;
}

/** The weather, not the messages: the drain is tried again, and the try killed nobody. */
export async function postponeDrain(db: Database | Transaction, group: string, subject: ParkedSubject): Promise<void> {
  await db.count(POSTPONE_DRAIN, [group, subject.tenant, subject.recordKey]);
}

/** What was released or discarded failed again: it waits for an operator once more. */
export async function parkAgain(
  db: Database,
  group: string,
  subject: ParkedSubject,
  error: { name: string; message: string },
): Promise<void> {
  const { name, message } = error;
  await db.count(PARK_AGAIN, [
    group,
    subject.tenant,
    subject.recordKey,
    storableText(name, REASON_LENGTH_MAX),
    storableText(message, REASON_LENGTH_MAX),
  ]);
}

export async function removeParked(tx: Transaction, group: string, messages: readonly ParkedMessage[]): Promise<void> {
  await tx.count(REMOVE, [group, messages.map(({ message }) => uuidOf('event', message.id))]);
}

/** Lifts the mark once nothing waits behind it. True when it is lifted. */
export async function clearSubject(tx: Transaction, group: string, subject: ParkedSubject): Promise<boolean> {
  return (await tx.count(CLEAR, [group, subject.tenant, subject.recordKey])) > 0;
}

/** An operator's wish, carried out by the partition's owner. False when no such subject is parked. */
export async function requestParked(
  db: Database,
  subject: { readonly group: string; readonly tenant: string; readonly recordKey: string },
  wish: { readonly state: 'releasing' | 'discarding'; readonly actor: string; readonly reason: string },
): Promise<boolean> {
  return (
    (await db.count(REQUEST, [subject.group, subject.tenant, subject.recordKey, wish.state, wish.actor, wish.reason])) >
    0
  );
}

export async function listParked(db: Database): Promise<ParkedListing[]> {
  return db.rows<ParkedListing>(LIST);
}

export async function countParked(db: Database, group: string): Promise<number> {
  const [row] = await db.rows<{ count: number }>(COUNT, [group]);
  return row?.count ?? 0;
}
