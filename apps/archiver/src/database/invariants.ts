import { statement } from '@payflow/database';
import {
  MARKS,
  NOTHING_FOUND,
  TALLIED,
  inParts,
  invariant,
  isCountable,
  keyedOnce,
  markedSince,
  noOldOutboxRow,
  noSecrets,
  part,
  together,
  type Invariant,
  type Part,
} from '@payflow/invariants';

// Where an index is to find the newest rows, the clock is the statement's: one that moves on within it can be no bound of a scan.
const FREE_TEXT = `concat_ws(' ', data::text, subject, actor)`;

/** Ids whose time is not believed are kept apart, undated, and their days say nothing. */
const DATED = `between '2020-01-01' and '2099-12-31'`;
const UNDATED = `id_time < '2020-01-01'`;
/** What tallies go by: an id that is no UUIDv7 lies in no month, and its first digits make a day all the same. */
const DAY = `(case when e.${UNDATED} then uuid_time(event_id) else id_time end at time zone 'UTC')::date`;

/**
 * The events whose days are looked at, and the undated, whose days are not known before: apart, or the months of both together
 * would be all there are. An index finds a day in its month by the statement's clock, which is never past the one that `since` has.
 */
const LOOKED_AT = `(
      select topic, type, event_id, id_time from archived_events where id_time >= date_trunc('day', statement_timestamp(), 'UTC')
      union all select topic, type, event_id, id_time from archived_events where id_time < '2020-01-01')`;

const UNEQUAL = `
  select concat_ws('/', 'archived_events', topic, type, day) || ': ' || coalesce(s.messages, 0) || ' stored, ' || coalesce(c.messages, 0) || ' counted' as id
  from stored s full join counted c using (topic, type, day)
  where (s.messages, s.id_sum) is distinct from (c.messages, c.id_sum)`;

/** An event is its own mark: stored once, and counted in the transaction that stored it. */
const MARKED_TODAY = `
  with ${markedSince('running')},
  counted as materialized (
    select topic, type, day, ${TALLIED} from since, archived_tallies a
    where a.day >= since.first_day and a.day ${DATED} group by 1, 2, 3),
  stored as materialized (
    select topic, type, ${DAY} as day, ${MARKS} from since, ${LOOKED_AT} as e
    where ${DAY} >= since.first_day and ${DAY} ${DATED} and ${isCountable('running', 'select sum(messages) from counted')} group by 1, 2, 3)
  ${UNEQUAL} and ${isCountable('running', 'select sum(messages) from counted')}`;

/** Days that something was stored or counted on, or may have been: those of the months that are there. */
const DAYS = statement(
  'invariant.archiver.I20.days',
  `select day::text from (
     select day from archived_tallies
     union select ${DAY} from archived_events e where e.${UNDATED}
     union select day::date from partitions_of('archived_events') as p
       cross join lateral generate_series(p.lower_bound at time zone 'UTC', p.upper_bound at time zone 'UTC' - interval '1 day', interval '1 day') as day
       where p.lower_bound >= '2020-01-01' and p.upper_bound < 'infinity') as days
   where day ${DATED} order by day`,
);

/** The day is `$1`; of the undated, all are looked through each time: they are few. */
const markedOnDay = part(
  'archiver.I20.day',
  `with counted as materialized (
     select topic, type, day, ${TALLIED} from archived_tallies where day = $1::date group by 1, 2, 3),
   stored as materialized (
     select topic, type, $1::date as day, ${MARKS} from (
       select topic, type, event_id from archived_events
       where id_time >= $1::date::timestamp at time zone 'UTC' and id_time < ($1::date + 1)::timestamp at time zone 'UTC'
       union all
       select topic, type, event_id from archived_events e where e.${UNDATED} and ${DAY} = $1::date) as e
     group by 1, 2)
   ${UNEQUAL}`,
);

const markedOnEachDay: Part = async (db) => {
  let found = NOTHING_FOUND;
  for (const { day } of await db.rows<{ day: string }>(DAYS)) found = together(found, await markedOnDay(db, [day]));
  return found;
};

const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'archiver',
  running: MARKED_TODAY,
  full: inParts(
    markedOnEachDay,
    keyedOnce('archiver.I20.ids', {
      table: 'archived_events',
      key: 'event_id',
      time: 'id_time',
      offends: `'archived_events/' || event_id || ' is stored more than once'`,
    }),
  ),
});

/** What must always hold in the archiver's database. */
export const invariants: readonly Invariant[] = [
  oneMarkPerEffect,
  noOldOutboxRow('archiver'),
  noSecrets('archiver', [
    {
      running: `(select 'archived_events/' || event_id as id, ${FREE_TEXT} as content
        from archived_events where archived_at > statement_timestamp() - interval '2 minutes' limit 300)`,
      table: 'archived_events',
      id: `'archived_events/' || event_id`,
      content: FREE_TEXT,
      key: [
        ['event_id', 'uuid', '00000000-0000-0000-0000-000000000000'],
        ['id_time', 'timestamptz', '-infinity'],
      ],
    },
  ]),
];
