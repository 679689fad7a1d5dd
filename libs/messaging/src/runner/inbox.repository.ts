import { uuidOf } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';

const MARK = statement(
  'inbox.mark',
  `insert into inbox (consumer_group, event_id)
   select $1, id from unnest($2::uuid[]) as id order by id
   on conflict do nothing returning event_id`,
);

/** Marks event ids as received by the group and returns those that were not marked before. */
export async function markReceived(tx: Transaction, group: string, eventIds: readonly string[]): Promise<Set<string>> {
  const idByUuid = new Map(eventIds.map((id) => [uuidOf('event', id), id]));
  const rows = await tx.rows<{ event_id: string }>(MARK, [group, [...idByUuid.keys()]]);
  return new Set(rows.map((row) => idByUuid.get(row.event_id) as string));
}
