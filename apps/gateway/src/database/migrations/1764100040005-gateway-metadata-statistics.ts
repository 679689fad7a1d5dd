import { SqlMigration } from '@payflow/database';

/**
 * How metadata are spread. Of an index like theirs Postgres keeps no statistics that it could use, and takes one of a hundred
 * transfers to have any metadata asked for: from some forty thousand on, it looked through all of them by time for the one that
 * has them. Locks nothing that anybody reads or writes; reads a sample.
 */
export class GatewayMetadataStatistics1764100040005 extends SqlMigration {
  readonly sql = `
create statistics transfer_views_metadata on ((metadata::jsonb)) from transfer_views;
analyze transfer_views;
`;
}
