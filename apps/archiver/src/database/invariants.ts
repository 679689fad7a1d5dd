import { statement } from '@payflow/database';
import { noOldOutboxRow, noSecrets, type Invariant } from '@payflow/invariants';

const FREE_TEXT = `concat_ws(' ', data::text, subject, actor)`;

/** What must always hold in the archiver's database. */
export const invariants: readonly Invariant[] = [
  noOldOutboxRow('archiver'),
  noSecrets('archiver', [
    {
      running: `(select 'archived_events/' || event_id as id, ${FREE_TEXT} as content
        from archived_events where archived_at > clock_timestamp() - interval '2 minutes' limit 500)`,
      full: `select 'archived_events/' || event_id as id, ${FREE_TEXT} as content from archived_events`,
    },
  ]),
];

/** What is stored by type and by the day inside the event id, as far as other services still have their sums. */
export const ARCHIVED_BY_TYPE = statement(
  'archive.sums-by-type',
  `select topic, type, to_char(day, 'YYYY-MM-DD') as day, sum(messages)::float8 as messages, (sum(id_sum) % (1::bigint << 48))::float8 as id_sum
   from archived_tallies where day >= (clock_timestamp() at time zone 'UTC')::date - 6 group by topic, type, day order by 1, 2, 3`,
);
