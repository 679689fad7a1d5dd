import { statement, type Database } from '@payflow/database';

const MODULUS = 2 ** 48;
/** Outbox rows that one statement looks at: a fraction of a second, so that the sums of days can be made up for within any time-out. */
const PAGE_ROWS = 20_000;
const LAST_ID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

// Rows of transactions that have not ended are not before the horizon, and all before it can be seen from here on. Rows are found by
// their ids, with two minutes' grace for transactions that were long under way, and from the present where that is earlier: a clock
// that was ahead and has been set right would else hide all rows until it is there again.
const BEGIN = statement(
  'tallies.begin-sums',
  `select horizon::text as since_xact, pg_snapshot_xmin(pg_current_snapshot())::text as until_xact,
     uuid_floor(least(seen_until, clock_timestamp()) - interval '2 minutes') as after,
     (least(seen_until, clock_timestamp()) - interval '2 minutes')::text as since
   from sent_horizon`,
);

// A row counts on the day inside its id, which has the clock that its messages' ids have: the database's may be minutes from it.
// Within half a minute of midnight the messages are looked at one by one, because readers go by the day inside each id.
const PAGE = statement(
  'tallies.sum-page',
  `with page as materialized (
     select id as last from outbox where id >= $1::uuid and created_at >= $2::timestamptz order by id offset ${PAGE_ROWS} limit 1),
   fresh as materialized (
     select o.topic, o.created_at, made_at, o.counted, o.id_sum, is_near,
       case when is_near then o.messages end as messages
     from outbox o, uuid_time(o.id) as made_at, lateral (
       select o.counted = o.message_count
         and abs(extract(epoch from made_at - date_trunc('day', made_at + interval '12 hours', 'UTC'))) < 30 as is_near) as midnight
     where o.id >= $1::uuid and o.id < coalesce((select last from page), '${LAST_ID}') and o.created_at >= $2::timestamptz
       and o.xact_id >= $3::xid8 and o.xact_id < $4::xid8),
   counted as (
     select topic, (made_at at time zone 'UTC')::date as day, counted as messages, id_sum
     from fresh where counted > 0 and not is_near
     union all
     select topic, (uuid_time(event_id) at time zone 'UTC')::date, 1, uuid_tail(event_id)
     from fresh, json_array_elements(messages::json) as m, typeid_uuid(m -> 'message' ->> 'id') as event_id
     where is_near),
   summed as (
     select topic, to_char(day, 'YYYY-MM-DD') as day, sum(messages) as messages, sum(id_sum) % ${MODULUS} as id_sum
     from counted group by topic, day)
   select (select last from page) as next, (select max(created_at) from fresh) as created, (select max(made_at) from fresh) as made,
     (select coalesce(json_agg(summed), '[]') from summed) as sums`,
);

// Nothing where another process was quicker: the same rows are in its sums.
const MOVE = statement(
  'tallies.move-horizon',
  `update sent_horizon set horizon = greatest(horizon, $2::xid8), seen_until = greatest(seen_until, $3::timestamptz)
   where horizon = $1::xid8`,
);

const ADD = statement(
  'tallies.add-sums',
  `insert into sent_tallies as t (topic, day, messages, id_sum)
   select * from unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[]) order by 1, 2
   on conflict (topic, day)
   do update set messages = t.messages + excluded.messages, id_sum = (t.id_sum + excluded.id_sum) % ${MODULUS}`,
);

/** What is written now counts as older than what was there. */
export class IdsBegunAnew extends Error {
  constructor() {
    super(
      'the transaction ids of this database have begun anew, as after a restore by pg_dump: see docs/runbooks/restored-elsewhere.md',
    );
  }
}

interface Sum {
  readonly topic: string;
  readonly day: string;
  readonly messages: number;
  readonly id_sum: number;
}

interface Page {
  readonly next: string | null;
  readonly created: Date | null;
  readonly made: Date | null;
  readonly sums: readonly Sum[];
}

interface Span {
  readonly since_xact: string;
  readonly until_xact: string;
  readonly after: string;
  readonly since: string;
}

const summing = new WeakMap<Database, Promise<void>>();

/**
 * Adds what was committed since the last time to the sums of what was sent, each outbox row once. After a long pause this takes
 * longer than whoever asks may wait: it goes on without them, and who asks next waits for the same.
 */
export function sumSent(db: Database): Promise<void> {
  const running = summing.get(db) ?? sumOnce(db).finally(() => summing.delete(db));
  summing.set(db, running);
  return running;
}

async function sumOnce(db: Database): Promise<void> {
  const [span] = (await db.rows(BEGIN)) as [Span];
  if (span.since_xact === span.until_xact) return;
  // Nothing would count as new until they have passed where they were, and the comparison would be one of what is old.
  if (BigInt(span.until_xact) < BigInt(span.since_xact)) throw new IdsBegunAnew();
  const sums = new Map<string, Sum>();
  let created_ms = -Infinity;
  let made_ms = -Infinity;
  let from: string | null = span.after;
  while (from !== null) {
    const [page] = (await db.rows(PAGE, [from, span.since, span.since_xact, span.until_xact])) as [Page];
    for (const sum of page.sums) add(sums, sum);
    created_ms = Math.max(created_ms, page.created?.getTime() ?? -Infinity);
    made_ms = Math.max(made_ms, page.made?.getTime() ?? -Infinity);
    from = page.next;
  }
  // The id has the process's clock, the row the database's: what both have passed.
  const seen_ms = Math.min(created_ms, made_ms);
  await store(db, span, [...sums.values()], Number.isFinite(seen_ms) ? new Date(seen_ms) : null);
}

function add(sums: Map<string, Sum>, sum: Sum): void {
  const key = `${sum.topic} ${sum.day}`;
  const { messages, id_sum } = sums.get(key) ?? { messages: 0, id_sum: 0 };
  sums.set(key, { ...sum, messages: messages + sum.messages, id_sum: (id_sum + sum.id_sum) % MODULUS });
}

function store(db: Database, span: Span, sums: readonly Sum[], seenUntil: Date | null): Promise<void> {
  return db.transaction(async (tx) => {
    if ((await tx.count(MOVE, [span.since_xact, span.until_xact, seenUntil])) === 0 || sums.length === 0) return;
    await tx.count(ADD, [
      sums.map(({ topic }) => topic),
      sums.map(({ day }) => day),
      sums.map(({ messages }) => messages),
      sums.map(({ id_sum }) => id_sum),
    ]);
  });
}
