import { uuidOf, type AnyMessage } from '@payflow/contracts';
import { statement, type Database, type Transaction } from '@payflow/database';
import type { FailureCause } from '../runner/failures.repository.js';
import type { Place } from '../runner/positions.repository.js';

export type ParkedState = 'parked' | 'releasing' | 'discarding';

/** A record key of one tenant that stands still for one reader, because a message of it could not be applied. */
export interface ParkedSubject {
  readonly tenant: string;
  readonly recordKey: string;
  readonly state: ParkedState;
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
   from unnest($4::text[], $5::text[], $6::bigint[], $7::uuid[], $8::json[]) as m (tenant, record_key, record_offset, event_id, message)
   on conflict (consumer_group, event_id) do nothing`,
);

const WAITING = statement(
  'parking.messages-of-subject',
  `select message, record_offset as "offset" from parked_messages
   where consumer_group = $1 and tenant = $2 and record_key = $3 order by partition, record_offset limit $4`,
);

const REMOVE = statement('parking.remove-messages', `delete from parked_messages where consumer_group = $1 and event_id = any ($2::uuid[])`);

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
      where m.consumer_group = s.consumer_group and m.tenant = s.tenant and m.record_key = s.record_key) as waiting
   from parked_subjects s order by s.parked_at`,
);

const COUNT = statement('parking.count', `select count(*)::integer as count from parked_messages where consumer_group = $1`);

export interface ParkedListing extends ParkedSubject, FailureCause {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly parkedAt: Date;
  readonly actor: string | null;
  readonly reason: string | null;
  readonly waiting: number;
}

/** The parked subjects whose messages lie in the place's partition, by {@link subjectKey}. */
export async function parkedSubjects(tx: Transaction, place: Place): Promise<Map<string, ParkedSubject>> {
  const rows = await tx.rows<ParkedSubject>(FIND, [place.group, place.topic, place.partition]);
  return new Map(rows.map((row) => [subjectKey(row.tenant, row.recordKey), row]));
}

export function subjectKey(tenant: string, recordKey: string): string {
  return `${tenant}/${recordKey}`;
}

export async function parkSubject(tx: Transaction, place: Place, message: AnyMessage, cause: FailureCause): Promise<void> {
  await tx.rows(PARK, [place.group, message.tenant, message.key, cause.errorClass, cause.errorMessage, cause.attempts, place.topic, place.partition]);
}

/** Stores messages of parked subjects, to be applied in offset order when the subject is released. */
export async function storeParked(tx: Transaction, place: Place, messages: readonly ParkedMessage[]): Promise<void> {
  await tx.rows(STORE, [
    place.group,
    place.topic,
    place.partition,
    messages.map(({ message }) => message.tenant),
    messages.map(({ message }) => message.key),
    messages.map(({ offset }) => offset),
    messages.map(({ message }) => uuidOf('event', message.id)),
    messages.map(({ message }) => JSON.stringify(message)),
  ]);
}

export async function parkedMessages(tx: Transaction, group: string, subject: ParkedSubject, limit: number): Promise<AnyMessage[]> {
  const rows = await tx.rows<{ message: AnyMessage }>(WAITING, [group, subject.tenant, subject.recordKey, limit]);
  return rows.map((row) => row.message);
}

export async function removeParked(tx: Transaction, group: string, messages: readonly AnyMessage[]): Promise<void> {
  await tx.count(REMOVE, [group, messages.map((message) => uuidOf('event', message.id))]);
}

/** Lifts the mark once nothing waits behind it. */
export async function clearSubject(tx: Transaction, group: string, subject: ParkedSubject): Promise<void> {
  await tx.count(CLEAR, [group, subject.tenant, subject.recordKey]);
}

/** An operator's wish, carried out by the partition's owner. False when no such subject is parked. */
export async function requestParked(
  db: Database,
  subject: { readonly group: string; readonly tenant: string; readonly recordKey: string },
  wish: { readonly state: 'releasing' | 'discarding'; readonly actor: string; readonly reason: string },
): Promise<boolean> {
  return (await db.count(REQUEST, [subject.group, subject.tenant, subject.recordKey, wish.state, wish.actor, wish.reason])) > 0;
}

export async function listParked(db: Database): Promise<ParkedListing[]> {
  return db.rows<ParkedListing>(LIST);
}

export async function countParked(db: Database, group: string): Promise<number> {
  const [row] = await db.rows<{ count: number }>(COUNT, [group]);
  return row?.count ?? 0;
}
