import type { LedgerSealed } from '@payflow/contracts';
import { statement, type Database } from '@payflow/database';

/** Heads that one statement reads: three days of minutes. */
const HEADS_MAX = 5_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

// A seal's event belongs to no tenant, and ids of events go by time.
const ARCHIVED = statement(
  'cli.archived-heads',
  `select event_id, (data ->> 'seal')::integer as seal, data ->> 'log_root' as log_root, data ->> 'key_id' as key_id from archived_events
   where tenant_id = '00000000-0000-0000-0000-000000000000' and livemode and type = 'payflow.ledger.sealed.v1' and event_id > $1
   order by event_id limit ${HEADS_MAX}`,
);

const KEPT = statement(
  'cli.kept-heads',
  `select seal::integer as seal, head ->> 'log_root' as log_root, head ->> 'key_id' as key_id from seals where seal = any ($1::bigint[])`,
);

type Head = Pick<LedgerSealed, 'seal' | 'log_root' | 'key_id'> & Record<string, unknown>;

/**
 * The heads that the archive has, of which the ledger's log is not what it was then (I7). The newest tells of all before it, but not
 * of itself: over a log whose end was cut off, and whose transfers were rewritten, the ledger signs and publishes with its own key
 * within a minute. So every one is looked at. A log that was signed anew is found, under whichever key, and one that lost its end,
 * as long as the archive is out of reach of whoever did it.
 */
export async function headsUnlikePublished(ledger: Database, archiver: Database): Promise<string[]> {
  const unlike: string[] = [];
  for (let after: string | undefined = BEFORE_ALL; after !== undefined;) {
    const published: readonly (Head & { readonly event_id: string })[] = await archiver.rows(ARCHIVED, [after]);
    const kept = await ledger.rows<Head>(KEPT, [published.map(({ seal }) => seal)]);
    const keptBySeal = new Map(kept.map((head) => [head.seal, head]));
    unlike.push(...published.flatMap((head) => faultOf(head, keptBySeal.get(head.seal)) ?? []));
    after = published.at(-1)?.event_id;
  }
  return unlike;
}

function faultOf({ seal, log_root, key_id }: Head, kept: Head | undefined): string | undefined {
  if (kept?.log_root === log_root && kept.key_id === key_id) return undefined;
  return `seals/${seal} ${kept ? 'is not what was published' : 'was published and is gone'}`;
}
