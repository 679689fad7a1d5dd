import { statement, type Database, type Transaction } from '@payflow/database';
import type { Place } from './positions.repository.js';
import { FenceLost } from './stops.js';

// Under the position's epoch: a process that lost the partition suspects nobody.
const ATTEMPT = statement(
  'suspects.attempt',
  `insert into suspects as s (consumer_group, topic, partition, record_offset, attempts)
   select consumer_group, topic, partition, $4, 1 from positions
   where consumer_group = $1 and topic = $2 and partition = $3 and epoch = $5
   on conflict (consumer_group, topic, partition, record_offset) do update set attempts = s.attempts + 1
   returning attempts`,
);

const TAKE_BACK = statement(
  'suspects.take-back',
  `update suspects set attempts = attempts - 1
   where consumer_group = $1 and topic = $2 and partition = $3 and record_offset = $4 and attempts > 0`,
);

const CLEAR = statement(
  'suspects.clear',
  `delete from suspects where consumer_group = $1 and topic = $2 and partition = $3 and record_offset <= $4`,
);

/** Counts, durably and before it begins, an attempt at a message that may be killing its process. */
export async function countAttempt(db: Database, place: Place, offset: number, epoch: bigint): Promise<number> {
  const [row] = await db.rows<{ attempts: number }>(ATTEMPT, [
    place.group,
    place.topic,
    place.partition,
    offset,
    epoch,
  ]);
  if (!row) throw new FenceLost();
  return row.attempts;
}

/** The attempt ended with the process alive. */
export async function takeBackAttempt(db: Database, place: Place, offset: number): Promise<number> {
  return db.count(TAKE_BACK, [place.group, place.topic, place.partition, offset]);
}

/** The messages up to the offset are done with: they killed nobody. */
export async function clearSuspects(tx: Transaction, place: Place, offset: number): Promise<void> {
  await tx.count(CLEAR, [place.group, place.topic, place.partition, offset]);
}
