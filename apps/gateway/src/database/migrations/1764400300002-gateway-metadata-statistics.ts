import { SqlMigration } from '@payflow/database';

/** How the metadata of accounts and payments are spread, for the same reason as those of transfers. Locks nothing that anybody reads or writes; reads a sample. */
export class GatewayMetadataStatistics1764400300002 extends SqlMigration {
  readonly sql = `
create statistics account_views_metadata on ((metadata::jsonb)) from account_views;
create statistics payment_views_metadata on ((metadata::jsonb)) from payment_views;
analyze account_views;
analyze payment_views;
`;
}
