import { SqlMigration } from '@payflow/database';

/** How often a transfer's metadata has changed. A column with a constant default: rewrites nothing. */
export class GatewayMetadataVersions1763700014002 extends SqlMigration {
  readonly sql = `
alter table transfer_views add column metadata_version bigint not null default 1 check (metadata_version > 0);
`;
}
