import { IndexMigration } from '@payflow/database';

/**
 * For the check that looks at the events of a day: they lie in the order of their ids, nearly, so a few pages of block ranges serve.
 * Made while everybody reads and writes.
 */
export class ArchiverDays1764700000061 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'archived_events_by_day',
      table: 'archived_events',
      definition: 'using brin (id_time) with (pages_per_range = 32, autosummarize = on)',
    },
  ];
}
