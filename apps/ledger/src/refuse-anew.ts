import { statement, type Database } from '@payflow/database';
import { ConfigurationError } from '@payflow/service';

// What is visible has ended, and so has an id below those that are yet to be given: unless they are given anew.
const AHEAD = statement(
  'ledger.ids-ahead',
  `select coalesce(greatest(
       (select xact_id from transfers order by xact_id desc limit 1),
       (select to_xact from seals order by seal desc limit 1)) > pg_snapshot_xmax(pg_current_snapshot()), false) as ahead`,
);

/**
 * Refuses books whose transaction ids have begun anew, as after a restore by pg_dump: seals, closed months and snapshots go by them,
 * and what would be booked now stands among what is long sealed, for ever. Closes the pools, so that the process can end.
 */
export async function refuseIdsBegunAnew(db: Database): Promise<void> {
  const [row] = await db.rows<{ ahead: boolean }>(AHEAD);
  if (!row?.ahead) return;
  await db.close();
  throw new ConfigurationError('ledger', [
    'the transaction ids of the database in DATABASE_URL have begun anew, as after a restore by pg_dump: what it would book now counts as older than what it has sealed. Follow docs/runbooks/restored-elsewhere.md',
  ]);
}
