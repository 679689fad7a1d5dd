import { joinJson, statement, type Database, type Transaction } from '@payflow/database';

/** A row of the outbox: the messages of one transaction for one partition, in order, as JSON. */
export interface OutboxRow {
  readonly id: string;
  readonly created_at: Date;
  readonly topic: string;
  readonly partition: number;
  /** A JSON array of `{message, value}`. What JSON.stringify wrote, it writes again byte for byte after JSON.parse. */
  readonly messages: string;
  readonly message_count: number;
  /** How many of them are sent for the first time. */
  readonly counted: number;
  /** Sum of those messages' ids, low 48 bits, modulo 2^48. */
  readonly id_sum: number;
}

/** A row before its insert: the database's clock says when that is, and so which day it belongs to. */
export type NewOutboxRow = Omit<OutboxRow, 'created_at'>;

/** How long a row belongs to whoever wrote or claimed it before the relay may take it. */
export const CLAIM_MS = 3_000;

// clock_timestamp, not now(): now() is when the transaction began, and a long one would be born with its claim run out.
// Whole milliseconds, because that is what comes back when the row is marked.
const INSERT = statement(
  'outbox.insert',
  `insert into outbox (created_at, id, topic, partition, messages, message_count, counted, id_sum, claimed_until)
   select clock.now, row.*, clock.now + interval '${CLAIM_MS} milliseconds'
   from unnest($1::uuid[], $2::text[], $3::integer[], string_to_array($4, chr(30)), $5::integer[], $6::integer[], $7::bigint[]) as row,
     (select date_trunc('milliseconds', clock_timestamp()) as now) as clock
   returning created_at`,
);

// The bounds leave one day's partition, or two at midnight: without them each acknowledgement looks through all of them.
const MARK = statement(
  'outbox.mark-published',
  `update outbox o set published_at = clock_timestamp()
   from unnest($1::timestamptz[], $2::uuid[]) as acknowledged (created_at, id)
   where o.created_at = acknowledged.created_at and o.id = acknowledged.id and o.published_at is null
     and o.created_at between $3::timestamptz and $4::timestamptz`,
);

// The array sub-select keeps the limit out of a join: under a generic plan the join form scans the whole table. No claim is a minute
// long: the clock that gave such a one was ahead and has been set right, and its rows would else wait until it is there again.
// Along the index of what is unpublished, behind where the last claim ended: what is being sent, or cannot be, is passed once in a
// round, and not before each fifty rows.
const CLAIM = statement(
  'outbox.claim',
  `update outbox set claimed_until = clock_timestamp() + interval '${CLAIM_MS} milliseconds'
   where id = any (array (
     select id from outbox
     where published_at is null
       and (claimed_until < clock_timestamp() or claimed_until > clock_timestamp() + interval '1 minute')
       and topic || '/' || partition <> all ($2::text[])
       and (created_at, id) > ($3::timestamptz, $4::uuid) and created_at >= $3::timestamptz
     order by created_at, id limit $1 for update skip locked))
   returning id, created_at, topic, partition, messages, message_count, counted, id_sum::float8 as id_sum`,
);

const REPUBLISH_ROW = statement(
  'outbox.republish-row',
  `update outbox set published_at = null, claimed_until = clock_timestamp()
   where created_at = $1 and id = $2 and (published_at is null or published_at < clock_timestamp() - interval '10 seconds')`,
);

/** Rows that one statement looks at: days of them take longer than a statement may. */
const REPUBLISH_ROWS = 10_000;
const [FIRST_ID, LAST_ID] = ['00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff'];

const REPUBLISH_PAGE = statement(
  'outbox.republish-page',
  `with page as materialized (
     select id as last from outbox where id >= $4::uuid and created_at >= $2 and created_at < $3
     order by id offset ${REPUBLISH_ROWS} limit 1),
   again as (
     update outbox set published_at = null, claimed_until = clock_timestamp()
     where topic = $1 and id >= $4::uuid and id < coalesce((select last from page), '${LAST_ID}')
       and created_at >= $2 and created_at < $3 and published_at is not null returning 1)
   select (select last from page) as next, (select count(*)::integer from again) as again,
     (select count(*)::integer from outbox where topic = $1 and id >= $4::uuid and id < coalesce((select last from page), '${LAST_ID}')
        and created_at >= $2 and created_at < $3 and published_at is null) as waiting`,
);

const OLDEST = statement(
  'outbox.oldest-unpublished',
  `select extract(epoch from clock_timestamp() - created_at)::float8 as seconds
   from outbox where published_at is null order by created_at, id limit 1`,
);

/** Inserts the rows, claimed by the caller, and returns when that was by the database's clock. */
export async function insertOutbox(tx: Transaction, rows: readonly NewOutboxRow[]): Promise<Date> {
  const [inserted] = await tx.rows<{ created_at: Date }>(INSERT, rowColumns(rows));
  return (inserted as { created_at: Date }).created_at;
}

/** {@link insertOutbox} together with COMMIT; `onInserted` hears the same before the transaction has ended. */
export function insertOutboxAtCommit(
  tx: Transaction,
  rows: readonly NewOutboxRow[],
  onInserted: (created_at: Date) => void,
): void {
  tx.atCommit(INSERT, rowColumns(rows), ([inserted]: { created_at: Date }[]) =>
    onInserted((inserted as { created_at: Date }).created_at),
  );
}

function rowColumns(rows: readonly NewOutboxRow[]): unknown[] {
  return [
    rows.map((row) => row.id),
    rows.map((row) => row.topic),
    rows.map((row) => row.partition),
    joinJson(rows.map((row) => row.messages)),
    rows.map((row) => row.message_count),
    rows.map((row) => row.counted),
    rows.map((row) => row.id_sum),
  ];
}

export async function markPublished(
  db: Database,
  rows: readonly Pick<OutboxRow, 'id' | 'created_at'>[],
): Promise<void> {
  const times = rows.map((row) => row.created_at);
  const order = times.toSorted((a, b) => a.getTime() - b.getTime());
  await db.count(MARK, [times, rows.map((row) => row.id), order[0], order.at(-1)]);
}

/**
 * Takes rows whose claim has run out, oldest first, for another {@link CLAIM_MS}: none of the partitions `but`, as
 * `topic/partition`, and only what lies behind `after`.
 */
export async function claimExpired(
  db: Database,
  limit: number,
  but: readonly string[] = [],
  after?: Pick<OutboxRow, 'id' | 'created_at'>,
): Promise<OutboxRow[]> {
  const rows = await db.rows<OutboxRow>(CLAIM, [limit, but, after?.created_at ?? '-infinity', after?.id ?? FIRST_ID]);
  return rows.sort((a, b) => Number(a.created_at) - Number(b.created_at) || (a.id < b.id ? -1 : 1));
}

/** Gives a row to the relay once more, unless it was published within the last seconds. */
export async function republishRow(db: Database, row: Pick<OutboxRow, 'id' | 'created_at'>): Promise<boolean> {
  return (await db.count(REPUBLISH_ROW, [row.created_at, row.id])) > 0;
}

/** What was sent to a topic in `[from, to)`. */
export interface SentSpan {
  readonly topic: string;
  readonly from: Date;
  readonly to: Date;
}

interface PageRow extends Record<string, unknown> {
  readonly next: string | null;
  readonly again: number;
  readonly waiting: number;
}

/**
 * Gives everything of a span to the relay once more. Returns how many rows that is, and how many had not gone out yet. Done in steps, of which each is kept: one that was
 * broken off is done again as a whole, and what goes out twice is recognised. `atFirst` is part of the first step that finds any.
 */
export async function republishRange(
  db: Database,
  { topic, from, to }: SentSpan,
  atFirst: (tx: Transaction) => Promise<void> = () => Promise.resolve(),
): Promise<{ readonly again: number; readonly waiting: number }> {
  let [again, waiting] = [0, 0];
  for (let next: string | null = FIRST_ID; next !== null;) {
    const begin: string = next;
    const page = await db.transaction(async (tx) => {
      const [page] = await tx.rows<PageRow>(REPUBLISH_PAGE, [topic, from, to, begin]);
      if (again === 0 && page && page.again > 0) await atFirst(tx);
      return page;
    });
    again += page?.again ?? 0;
    waiting += page?.waiting ?? 0;
    next = page?.next ?? null;
  }
  return { again, waiting };
}

/** Age of the oldest unpublished row, 0 when there is none. */
export async function oldestUnpublished_s(db: Database): Promise<number> {
  const [row] = await db.rows<{ seconds: number }>(OLDEST);
  return row?.seconds ?? 0;
}
