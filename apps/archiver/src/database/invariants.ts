import {
  MARKS,
  TALLIED,
  invariant,
  isCountable,
  markedSince,
  noOldOutboxRow,
  noSecrets,
  type Invariant,
} from '@payflow/invariants';

// Where an index is to find the newest rows, the clock is the statement's: one that moves on within it can be no bound of a scan.
const FREE_TEXT = `concat_ws(' ', data::text, subject, actor)`;

/** Ids whose time is not believed are kept apart, undated, and their days say nothing. */
const DATED = `between '2020-01-01' and '2099-12-31'`;
const UNDATED = `e.id_time < '2020-01-01'`;
/** What tallies go by: an id that is no UUIDv7 lies in no month, and its first digits make a day all the same. */
const DAY = `(case when ${UNDATED} then uuid_time(event_id) else id_time end at time zone 'UTC')::date`;

/**
 * The events whose days are looked at, and the undated, whose days are not known before: apart, or the months of both together
 * would be all there are. An index finds a day in its month by the statement's clock, which is never past the one that `since` has.
 */
const lookedAt = (form: 'running' | 'full') => `(
      select topic, type, event_id, id_time from archived_events
      where id_time >= ${form === 'full' ? `'2020-01-01'` : `date_trunc('day', statement_timestamp(), 'UTC')`}
      union all select topic, type, event_id, id_time from archived_events where id_time < '2020-01-01')`;

/** An event is its own mark: stored once, and counted in the transaction that stored it. */
const marksAreOne = (form: 'running' | 'full') => `
  with ${markedSince(form)},
  counted as materialized (
    select topic, type, day, ${TALLIED} from since, archived_tallies a
    where a.day >= ${form === 'full' ? `'2020-01-01'` : 'since.first_day'} and a.day ${DATED} group by 1, 2, 3),
  stored as materialized (
    select topic, type, ${DAY} as day, ${MARKS} from since, ${lookedAt(form)} as e
    where ${DAY} >= ${form === 'full' ? `'2020-01-01'` : 'since.first_day'} and ${DAY} ${DATED}
      and ${isCountable(form, 'select sum(messages) from counted')} group by 1, 2, 3)
  select concat_ws('/', 'archived_events', topic, type, day) || ': ' || coalesce(s.messages, 0) || ' stored, ' || coalesce(c.messages, 0) || ' counted' as id
  from stored s full join counted c using (topic, type, day)
  where (s.messages, s.id_sum) is distinct from (c.messages, c.id_sum)
    and ${isCountable(form, 'select sum(messages) from counted')}
  ${form === 'full' ? `union all select 'archived_events/' || event_id || ' is stored ' || count(*) || ' times' from archived_events group by tenant_id, livemode, event_id having count(*) > 1` : ''}`;

const oneMarkPerEffect = invariant({
  name: 'I20',
  owner: 'archiver',
  running: marksAreOne('running'),
  full: marksAreOne('full'),
});

/** What must always hold in the archiver's database. */
export const invariants: readonly Invariant[] = [
  oneMarkPerEffect,
  noOldOutboxRow('archiver'),
  noSecrets('archiver', [
    {
      running: `(select 'archived_events/' || event_id as id, ${FREE_TEXT} as content
        from archived_events where archived_at > statement_timestamp() - interval '2 minutes' limit 300)`,
      full: `select 'archived_events/' || event_id as id, ${FREE_TEXT} as content from archived_events`,
    },
  ]),
];
