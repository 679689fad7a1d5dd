import { SqlMigration } from '@payflow/database';

/** What has been added to history since is emptied as little as the rest of it. Each trigger locks its table for a moment. */
export class LedgerHistoryGuards1763700015000 extends SqlMigration {
  readonly sql = `
select guard_history(history, 'refuse_change') from unnest(array['metadata_versions', 'units', 'transaction_types', 'typed_transfers', 'periods']::regclass[]) as history;
`;
}
