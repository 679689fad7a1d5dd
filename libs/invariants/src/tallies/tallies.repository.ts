import { statement, type Database } from '@payflow/database';
import type { TallyReport } from './report.js';
import { sumSent } from './sent-sums.js';

const MODULUS = '(1::bigint << 48)';
/** Days of rows that are still everywhere: outboxes are kept for eight. */
const DAYS = 6;

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
  await sumSent(db);
  await db.count(PRUNE);
  const [sent, received, set_aside, archived] = await Promise.all([
    db.rows<TallyReport['sent'][number]>(SENT),
    db.rows<TallyReport['received'][number]>(RECEIVED),
    db.rows<TallyReport['set_aside'][number]>(SET_ASIDE),
    db.rows<TallyReport['archived'][number]>(ARCHIVED),
  ]);
  return { sent, received, set_aside, archived };
}
