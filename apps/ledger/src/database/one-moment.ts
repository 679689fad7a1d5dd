import { statement, type Database, type Transaction } from '@payflow/database';

/** What reads ask, be it one by one or together within one moment. */
export type Reads = Pick<Database, 'rows'>;

/** One snapshot for all that is asked, and the server's own word that nothing is written. */
const ONE_MOMENT = statement('reads.one-moment', 'set transaction isolation level repeatable read read only');

/**
 * Reads several things as they stand at one moment: what is committed meanwhile is in none of them. A standby may give it up, and it
 * is read again: what `read` adds up to must be its own.
 */
export function inOneMoment<T>(db: Database, read: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction((tx) => {
    tx.expect(tx.rows(ONE_MOMENT).then(() => undefined));
    return read(tx);
  });
}
