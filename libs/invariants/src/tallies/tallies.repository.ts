import { statement, type Database } from '@payflow/database';
import type { TallyReport } from './report.js';

const MODULUS = '(1::bigint << 48)';
/** Days of rows that are still everywhere: outbox and marks are kept for eight. */
const DAYS = 6;

// Sums what was committed since the last time, each outbox row once: rows of transactions that had not ended then are not
// before the horizon. Rows are found by their ids, with two minutes' grace for transactions that were long under way, and from the
// present where that is earlier: a clock that was ahead and has been set right would else hide all rows until it is there again.
// A row counts on the day inside its id, which has the clock that its messages' ids have: the database's may be minutes from it.
// Within half a minute of midnight the messages are looked at one by one, because readers go by the day inside each id.
const ADVANCE = statement(
  'tallies.advance-sent',
  `with span as materialized (
     select horizon as lower_bound, pg_snapshot_xmin(pg_current_snapshot()) as upper_bound,
       least(seen_until, clock_timestamp()) - interval '2 minutes' as since
     from sent_horizon for update),
   fresh as materialized (
     select o.id, o.topic, o.created_at, made_at, o.messages, o.message_count, o.counted, o.id_sum,
       abs(extract(epoch from made_at - date_trunc('day', made_at + interval '12 hours', 'UTC'))) < 30
         and o.counted = o.message_count as near_midnight
     from span, outbox o, uuid_time(o.id) as made_at
     where o.id >= uuid_floor(span.since) and o.created_at >= span.since
       and o.xact_id >= span.lower_bound and o.xact_id < span.upper_bound),
   counted as (
     select topic, (made_at at time zone 'UTC')::date as day, counted as messages, id_sum
     from fresh where counted > 0 and not near_midnight
     union all
     select topic, (uuid_time(event_id) at time zone 'UTC')::date, 1, uuid_tail(event_id)
     from fresh, json_array_elements(messages::json) as m, typeid_uuid(m -> 'message' ->> 'id') as event_id
     where near_midnight),
   moved as (
     update sent_horizon set horizon = greatest(horizon, upper_bound),
       -- The id has the process's clock, the row the database's: what both have passed.
       seen_until = greatest(seen_until, (select least(max(created_at), max(made_at)) from fresh))
     from span)
   insert into sent_tallies as t (topic, day, messages, id_sum)
   select topic, day, sum(messages), (sum(id_sum) % ${MODULUS})::bigint from counted group by topic, day order by topic, day
   on conflict (topic, day)
   do update set messages = t.messages + excluded.messages, id_sum = (t.id_sum + excluded.id_sum) % ${MODULUS}`,
);

const PRUNE = statement('tallies.prune-sent', `delete from sent_tallies where day < current_date - 30`);

const RECENT = `day >= (clock_timestamp() at time zone 'UTC')::date - ${DAYS}`;
const SUMS = `to_char(day, 'YYYY-MM-DD') as day, sum(messages)::float8 as messages, (sum(id_sum) % ${MODULUS})::float8 as id_sum`;

const SENT = statement(
  'tallies.sent',
  `select topic, ${SUMS} from sent_tallies where ${RECENT} group by topic, day order by topic, day`,
);

const RECEIVED = statement(
  'tallies.received',
  `select consumer_group as "group", topic, ${SUMS} from received_tallies where ${RECENT} group by consumer_group, topic, day order by 1, 2, 3`,
);

const SET_ASIDE = statement(
  'tallies.set-aside',
  `with ids as (
     select consumer_group, topic, 'parked' as kind, event_id, null as type from parked_messages p
     -- A copy of what waits for its predecessor, or was received before its subject was parked, is no other message.
     where not exists (select from waiting_commands w where w.consumer_group = p.consumer_group and w.event_id = p.event_id)
       and not exists (select from inbox i where i.consumer_group = p.consumer_group and i.event_id = p.event_id)
     union
     select w.consumer_group, p.topic, 'waiting', w.event_id, null
     from waiting_commands w cross join lateral (select topic from positions where consumer_group = w.consumer_group limit 1) p
     union
     select consumer_group, topic, case when error_class = 'undecodable' then 'undecodable' else 'dead_lettered' end, typeid_uuid(event_id),
       record_headers ->> 'ce_type'
     -- What was replayed is counted among the applied, and so is what came once more and was received then.
     from dead_letters d where state <> 'replayed' and not exists (
       select from inbox i where i.consumer_group = d.consumer_group and i.event_id = typeid_uuid(d.event_id))),
   days as (
     select consumer_group, topic, kind, type, (uuid_time(event_id) at time zone 'UTC')::date as day, 1 as messages, uuid_tail(event_id) as id_sum
     from ids where event_id is not null and uuid_time(event_id) between '2020-01-01' and '2100-01-01')
   select consumer_group as "group", topic, kind, type, ${SUMS} from days where ${RECENT}
   group by consumer_group, topic, kind, type, day order by 1, 2, 3, 4, 5`,
);

const ARCHIVED = statement(
  'tallies.archived',
  `select topic, type, ${SUMS} from archived_tallies where ${RECENT} group by topic, type, day order by topic, type, day`,
);

/** Brings the sent sums up to date and reads all of a service's tallies. Sums fit a float8: they are below 2^48. */
export async function readTallies(db: Database): Promise<TallyReport> {
  await db.transaction(async (tx) => {
    await Promise.all([tx.rows(ADVANCE), tx.count(PRUNE)]);
  });
  const [sent, received, set_aside, archived] = await Promise.all([
    db.rows<TallyReport['sent'][number]>(SENT),
    db.rows<TallyReport['received'][number]>(RECEIVED),
    db.rows<TallyReport['set_aside'][number]>(SET_ASIDE),
    db.rows<TallyReport['archived'][number]>(ARCHIVED),
  ]);
  return { sent, received, set_aside, archived };
}
