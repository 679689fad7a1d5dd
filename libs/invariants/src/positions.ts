import { statement, type Database } from '@payflow/database';

/** How far a reader has come in one partition, as its own database says. */
export interface ReaderPosition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly next_offset: number;
  readonly stopped_reason: string | null;
}

const POSITIONS = statement(
  'internal.positions',
  `select consumer_group as "group", topic, partition, next_offset::float8 as next_offset, stopped_reason
   from positions order by 1, 2, 3`,
);

/** The places of all of a service's readers. Offsets are below 2^53, which a float8 holds. */
export async function positions(db: Database): Promise<ReaderPosition[]> {
  return db.rows<ReaderPosition>(POSITIONS);
}
