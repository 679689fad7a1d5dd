import { hash } from 'node:crypto';
import { uuidOf, type Group } from '@payflow/contracts';
import { statement, type Transaction } from '@payflow/database';

const MARK = statement(
  'inbox.mark',
  `insert into inbox (consumer_group, event_id, content_hash)
   select $1, m.event_id, m.content_hash from unnest($2::uuid[], $3::bigint[]) as m (event_id, content_hash) order by m.event_id
   on conflict do nothing returning event_id`,
);

const OTHERS = statement(
  'inbox.other-content',
  `select i.event_id from inbox i join unnest($2::uuid[], $3::bigint[]) as m (event_id, content_hash) using (event_id)
   where i.consumer_group = $1 and i.content_hash <> m.content_hash`,
);

/** A message's id with the bytes it came as. */
export interface Received {
  readonly id: string;
  readonly value: Buffer;
}

/** Which of the messages were not received before, and which carry the id of another. */
export async function markReceived(
  tx: Transaction,
  group: string,
  received: readonly Received[],
): Promise<{ fresh: Set<string>; reused: Set<string> }> {
  const idByUuid = new Map(received.map(({ id }) => [uuidOf('event', id), id]));
  const columns = [group, [...idByUuid.keys()], received.map(({ value }) => contentHash(value))];
  const fresh = idsOf(await tx.rows<{ event_id: string }>(MARK, columns), idByUuid);
  const reused = fresh.size < received.length ? await tx.rows<{ event_id: string }>(OTHERS, columns) : [];
  return { fresh, reused: idsOf(reused, idByUuid) };
}

function idsOf(rows: readonly { event_id: string }[], idByUuid: ReadonlyMap<string, string>): Set<string> {
  return new Set(rows.map((row) => idByUuid.get(row.event_id) as string));
}

/** 64 bits tell copies from others well enough: a mistake costs an alarm, not a message. */
function contentHash(value: Buffer): bigint {
  return hash('sha1', value, 'buffer').readBigInt64BE();
}

/**
 * SQL of {@link passedOverBefore}, for a reader that has the statement at hand which writes its effect: with {@link passedColumns}
 * from the parameter `first` on. What it returns is for {@link cameBefore}.
 */
export const PASS_OVER = (first: number): string =>
  `insert into inbox (consumer_group, event_id, content_hash)
   select $${first}, m.event_id, 0 from unnest($${first + 1}::uuid[]) as m (event_id) order by m.event_id
   on conflict do nothing returning event_id`;

const PASS = statement('inbox.pass-over', PASS_OVER(1));

export function passedColumns(group: Group, ids: readonly string[]): [group: string, ids: string[]] {
  return [group, [...new Set(ids.map((id) => uuidOf('event', id)))]];
}

/** Those of the ids that were marked before. */
export function cameBefore(ids: readonly string[], marked: readonly { event_id: string }[]): string[] {
  const fresh = new Set(marked.map((row) => row.event_id));
  return ids.filter((id) => !fresh.has(uuidOf('event', id)));
}

/**
 * For a reader whose mark is its effect, of messages that have none with it: notes that they came, and returns the ids of those
 * that had come before. Without it a repeat would count as one message more than was sent. None for nothing.
 */
export async function passedOverBefore(tx: Transaction, group: Group, ids: readonly string[]): Promise<string[]> {
  if (ids.length === 0) return [];
  return cameBefore(ids, await tx.rows<{ event_id: string }>(PASS, passedColumns(group, ids)));
}
