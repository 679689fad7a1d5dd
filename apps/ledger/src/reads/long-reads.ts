import { openDatabase, type Database } from '@payflow/database';
import type { Drain } from '@payflow/service';

/** Injection token of the connections for what reads each account of an owner: postings never wait for one of these. */
export const LONG_READS = Symbol('long reads');

/** Opens them. Whoever finds none free is told to come back. */
export async function openLongReads(
  { DATABASE_URL: url, LEDGER_READ_POOL_SIZE: poolSize }: { DATABASE_URL: string; LEDGER_READ_POOL_SIZE: number },
  drain: Drain,
): Promise<Database> {
  const db = await openDatabase({ url, poolSize, applicationName: 'payflow-ledger-reads' });
  drain.on('pools', 'postgres-reads', () => db.close());
  return db;
}
