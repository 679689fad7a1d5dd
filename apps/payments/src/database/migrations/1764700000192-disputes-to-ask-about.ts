import { IndexMigration } from '@payflow/database';

/**
 * What the janitor of disputes looks through: what its provider has not decided, as far as we have heard, wherever its money is.
 * Concurrently: locks nothing. Janitors of the version before read all disputes, once a minute, until they are gone.
 */
export class DisputesToAskAbout1764700000192 extends IndexMigration {
  override readonly indexes = [
    {
      name: 'disputes_to_ask_about',
      table: 'disputes',
      definition: `(asked_at) where status in ('needs_response', 'under_review')`,
    },
  ];
  override readonly dropped = ['disputes_undecided'];
}
