import { statement, type Database, type Transaction } from '@payflow/database';
import type { Tally } from '../outbox/tally.js';

/** One reader's place in one partition. */
export interface Place {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export interface Position {
  readonly epoch: bigint;
  readonly nextOffset: number;
  readonly lastEventId: string | null;
  readonly idleClaims: number;
  readonly stoppedReason: string | null;
}

export interface LockedPosition extends Position {
  /** Whether anything of this group is parked: only then are the parking tables read. */
  readonly hasParked: boolean;
}

interface PositionRow {
  epoch: bigint;
  next_offset: bigint;
  last_event_id: string | null;
  idle_claims: number;
  stopped_reason: string | null;
  has_parked?: boolean;
}

const CLAIM = statement(
  'positions.claim',
  `insert into positions as p (consumer_group, topic, partition, epoch, next_offset, idle_claims)
   values ($1, $2, $3, 1, $4, 1)
   on conflict (consumer_group, topic, partition)
   do update set epoch = p.epoch + 1, idle_claims = p.idle_claims + 1, updated_at = clock_timestamp()
   returning epoch, next_offset, last_event_id, idle_claims, stopped_reason`,
);

const LOCK = statement(
  'positions.lock',
  `select epoch, next_offset, last_event_id, idle_claims, stopped_reason,
     exists (select from parked_subjects s where s.consumer_group = $1) as has_parked
   from positions where consumer_group = $1 and topic = $2 and partition = $3 for update`,
);

const ADVANCE = statement(
  'positions.advance',
  `with advanced as (
     update positions set next_offset = $4, last_event_id = $5, idle_claims = 0, updated_at = clock_timestamp()
     where consumer_group = $1 and topic = $2 and partition = $3)
   insert into received_tallies as t (consumer_group, topic, partition, day, messages, id_sum)
   select $1, $2, $3, * from unnest($6::date[], $7::bigint[], $8::bigint[])
   on conflict (consumer_group, topic, partition, day)
   do update set messages = t.messages + excluded.messages, id_sum = (t.id_sum + excluded.id_sum) % (1::bigint << 48)`,
);

const STOP = statement(
  'positions.stop',
  `update positions set stopped_reason = $4, updated_at = clock_timestamp()
   where consumer_group = $1 and topic = $2 and partition = $3 and stopped_reason is distinct from $4`,
);

/** Takes the place over: whoever claimed it before can write no more. A new reader starts at `logStart`. */
export async function claimPosition(db: Database, place: Place, logStart: number): Promise<Position> {
  return db.transaction(async (tx) => {
    const [row] = await tx.rows<PositionRow>(CLAIM, [place.group, place.topic, place.partition, logStart]);
    return toPosition(row as PositionRow);
  });
}

/** The row under its lock, which all of the batch's work stands on. */
export async function lockPosition(tx: Transaction, place: Place): Promise<LockedPosition | undefined> {
  const [row] = await tx.rows<PositionRow>(LOCK, [place.group, place.topic, place.partition]);
  return row && { ...toPosition(row), hasParked: row.has_parked ?? false };
}

export async function advancePosition(
  tx: Transaction,
  place: Place,
  to: { readonly nextOffset: number; readonly lastEventId: string | null },
  applied: ReadonlyMap<string, Tally>,
): Promise<void> {
  const tallies = [...applied.values()];
  await tx.rows(ADVANCE, [
    place.group,
    place.topic,
    place.partition,
    to.nextOffset,
    to.lastEventId,
    [...applied.keys()],
    tallies.map((tally) => tally.messages),
    tallies.map((tally) => tally.idSum),
  ]);
}

/** Notes why the partition stands still, for operators and for the next process. */
export async function stopPosition(db: Database, place: Place, reason: string): Promise<void> {
  await db.count(STOP, [place.group, place.topic, place.partition, reason]);
}

function toPosition(row: PositionRow): Position {
  return {
    epoch: row.epoch,
    nextOffset: Number(row.next_offset),
    lastEventId: row.last_event_id,
    idleClaims: row.idle_claims,
    stoppedReason: row.stopped_reason,
  };
}
