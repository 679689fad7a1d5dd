import { noOldOutboxRow, noSecrets, type Invariant } from '@payflow/invariants';

// Where an index is to find the newest rows, the clock is the statement's: one that moves on within it can be no bound of a scan.
const FREE_TEXT = `concat_ws(' ', data::text, subject, actor)`;

/** What must always hold in the archiver's database. */
export const invariants: readonly Invariant[] = [
  noOldOutboxRow('archiver'),
  noSecrets('archiver', [
    {
      running: `(select 'archived_events/' || event_id as id, ${FREE_TEXT} as content
        from archived_events where archived_at > statement_timestamp() - interval '2 minutes' limit 500)`,
      full: `select 'archived_events/' || event_id as id, ${FREE_TEXT} as content from archived_events`,
    },
  ]),
];
