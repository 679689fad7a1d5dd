import { IndexMigration } from '@payflow/database';

/** What the janitor of disputes looks through: what its provider has not decided, as far as we have heard. Concurrently: locks nothing. */
export class DisputesUndecided1764700000063 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'disputes_undecided',
      table: 'disputes',
      definition: `(swept_at) where status in ('needs_response', 'under_review') and leg in ('taken', 'returned', 'waived')`,
    },
  ];
}
