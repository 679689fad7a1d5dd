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
