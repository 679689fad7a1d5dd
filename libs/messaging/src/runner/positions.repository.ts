import { statement, type Database, type Row, type Transaction } from '@payflow/database';
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
  /** Claims of a partition that had something to apply, since the last progress. */
  readonly idleClaims: number;
}

export interface ClaimedPosition extends Position {
  /** Whether an attempt at a message from here on began and never ended. */
  readonly hasSuspects: boolean;
  /** Event ids of the partition's dead letters that nobody has replayed. */
  readonly deadIds: readonly string[];
}

export interface LockedPosition extends Position {
  /** Whether anything of this group is parked, or waits for its predecessor: only then are those tables read. */
  readonly hasParked: boolean;
  readonly hasWaiting: boolean;
}

/** What the owner of a partition looks at between batches. */
export interface Glance {
  readonly partition: number;
  readonly epoch: bigint;
  /** An operator asked for something: parked messages released or discarded, dead letters replayed. */
  readonly asked: boolean;
}

interface PositionRow {
  epoch: bigint;
  next_offset: bigint;
  last_event_id: string | null;
  idle_claims: number;
  has_suspects?: boolean;
  dead_ids?: string[];
  has_parked?: boolean;
  has_waiting?: boolean;
}

/** Of more than these nobody asks whether a copy has come. */
const DEAD_IDS_MAX = 1_000;

const CLAIM = statement(
  'positions.claim',
  `insert into positions as p (consumer_group, topic, partition, epoch, next_offset, idle_claims)
   values ($1, $2, $3, 1, $4, case when $5::bigint > $4 then 1 else 0 end)
   on conflict (consumer_group, topic, partition)
   do update set epoch = p.epoch + 1, updated_at = clock_timestamp(),
     idle_claims = p.idle_claims + case when $5::bigint > p.next_offset then 1 else 0 end
   returning epoch, next_offset, last_event_id, idle_claims, exists (
     select from suspects s where s.consumer_group = $1 and s.topic = $2 and s.partition = $3
       and s.record_offset >= next_offset and s.attempts > 0) as has_suspects, array(
     select event_id from dead_letters d where d.consumer_group = $1 and d.topic = $2 and d.partition = $3
       and d.state <> 'replayed' and d.event_id is not null order by d.state = 'settled', d.arrival desc limit ${DEAD_IDS_MAX}) as dead_ids`,
);

// The flags may be from before a wait for the lock. Only the holder of this lock under this epoch parks or defers messages of the
// partition, and a process that waited for another's lock finds another epoch; one that waited for its own asks again.
const LOCK = statement(
  'positions.lock',
  `select epoch, next_offset, last_event_id, idle_claims,
     exists (select from parked_subjects s where s.consumer_group = $1) as has_parked,
     exists (select from waiting_commands w where w.consumer_group = $1) as has_waiting
   from positions where consumer_group = $1 and topic = $2 and partition = $3 for update`,
);

const ADVANCE = statement(
  'positions.advance',
  `with advanced as (
     update positions set next_offset = $4, last_event_id = $5, idle_claims = 0, stopped_reason = null, updated_at = clock_timestamp()
     where consumer_group = $1 and topic = $2 and partition = $3)
   insert into received_tallies as t (consumer_group, topic, partition, day, messages, id_sum)
   select $1, $2, $3, * from unnest($6::date[], $7::bigint[], $8::bigint[])
   on conflict (consumer_group, topic, partition, day)
   do update set messages = t.messages + excluded.messages, id_sum = (t.id_sum + excluded.id_sum) % (1::bigint << 48)`,
);

const TALLY = statement(
  'positions.tally',
  `insert into received_tallies as t (consumer_group, topic, partition, day, messages, id_sum)
   select $1, $2, $3, * from unnest($4::date[], $5::bigint[], $6::bigint[])
   on conflict (consumer_group, topic, partition, day)
   do update set messages = t.messages + excluded.messages, id_sum = (t.id_sum + excluded.id_sum) % (1::bigint << 48)`,
);

const STOP = statement(
  'positions.stop',
  `update positions set stopped_reason = $4, updated_at = clock_timestamp()
   where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $5 and stopped_reason is distinct from $4`,
);

const GLANCE = statement(
  'positions.glance',
  `select p.partition, p.epoch,
     exists (select from parked_subjects s where s.consumer_group = $1 and s.partition = p.partition and s.state <> 'parked')
     or exists (select from dead_letters d where d.consumer_group = $1 and d.partition = p.partition and d.state = 'replaying') as asked
   from positions p where p.consumer_group = $1 and p.topic = $2`,
);

/**
 * Takes the place over: whoever claimed it before can write no more. A new reader starts at `logStart`. `logEnd` is where
 * the log ends if a batch of it is at hand, else 0: a claim that leads to no progress though there was a batch is counted.
 */
export async function claimPosition(
  db: Database,
  place: Place,
  logStart: number,
  logEnd: number,
): Promise<ClaimedPosition> {
  return db.transaction(async (tx) => {
    const [row] = await tx.rows<PositionRow>(CLAIM, [place.group, place.topic, place.partition, logStart, logEnd]);
    return {
      ...toPosition(row as PositionRow),
      hasSuspects: row?.has_suspects ?? false,
      deadIds: row?.dead_ids ?? [],
    };
  });
}

/** The row under its lock, which all of the batch's work stands on. */
export async function lockPosition(tx: Transaction, place: Place): Promise<LockedPosition | undefined> {
  const [row] = await tx.rows<PositionRow>(LOCK, [place.group, place.topic, place.partition]);
  return row && { ...toPosition(row), hasParked: row.has_parked ?? false, hasWaiting: row.has_waiting ?? false };
}

/** Moves the position past what the transaction has dealt with, and counts what it applied by day; goes out with COMMIT. */
export function advancePosition(
  tx: Transaction,
  place: Place,
  to: { readonly nextOffset: number; readonly lastEventId: string | null },
  applied: ReadonlyMap<string, Tally>,
): void {
  const { group, topic, partition } = place;
  tx.atCommit(ADVANCE, [group, topic, partition, to.nextOffset, to.lastEventId, ...tallyColumns(applied)]);
}

/** Counts messages that were applied without the position moving: released, discarded or replayed ones. */
export async function addTallies(tx: Transaction, place: Place, applied: ReadonlyMap<string, Tally>): Promise<void> {
  if (applied.size > 0) await tx.rows(TALLY, [place.group, place.topic, place.partition, ...tallyColumns(applied)]);
}

/** Notes why the partition stands still, for operators, unless another process owns it by now. */
export async function stopPosition(db: Database, place: Place, epoch: bigint, reason: string): Promise<void> {
  await db.count(STOP, [place.group, place.topic, place.partition, reason, epoch]);
}

/** All partitions of a group at a glance, in one statement, for the timer. */
export async function glance(db: Database, group: string, topic: string): Promise<Glance[]> {
  return db.rows<Glance & Row>(GLANCE, [group, topic]);
}

function tallyColumns(applied: ReadonlyMap<string, Tally>): unknown[] {
  const tallies = [...applied.values()];
  return [[...applied.keys()], tallies.map((tally) => tally.messages), tallies.map((tally) => tally.idSum)];
}

function toPosition(row: PositionRow): Position {
  return {
    epoch: row.epoch,
    nextOffset: Number(row.next_offset),
    lastEventId: row.last_event_id,
    idleClaims: row.idle_claims,
  };
}
