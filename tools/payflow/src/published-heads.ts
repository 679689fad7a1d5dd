import type { LedgerSealed } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';

// A seal's event belongs to no tenant, and ids of events go by time.
const NEWEST_ARCHIVED = statement(
  'cli.newest-archived-head',
  `select data as head from archived_events
   where tenant_id = '00000000-0000-0000-0000-000000000000' and livemode and type = 'payflow.ledger.sealed.v1'
   order by event_id desc limit 1`,
);

const KEPT = statement('cli.kept-head', 'select head from seals where seal = $1');

interface HeadRow extends Record<string, unknown> {
  readonly head: LedgerSealed;
}

/**
 * The newest head that the archive has, where the ledger's log is not what it was then (I7). One tells of all before it: no log
 * in which anything else was ever signed comes to the same root. So a log that was signed anew under another key is found, and
 * one whose end was cut off, as long as the archive is out of reach of whoever did it.
 */
export async function headsUnlikePublished(ledger: Database, archiver: Database): Promise<string[]> {
  const [published] = await archiver.rows<HeadRow>(NEWEST_ARCHIVED);
  if (!published) return [];
  const { seal, log_root, key_id } = published.head;
  const [kept] = await ledger.rows<HeadRow>(KEPT, [seal]);
  if (kept?.head.log_root === log_root && kept.head.key_id === key_id) return [];
  return [`seals/${seal} ${kept ? 'is not what was published' : 'was published and is gone'}`];
}
