import { SqlMigration } from '@payflow/database';

/** The transaction type that a hold keeps to. A column of the catalogue alone; the index reads `hold_views` once and holds none of them. */
export class GatewayHoldTypes1764100060005 extends SqlMigration {
  readonly sql = `
alter table hold_views add column type text;
create index hold_views_by_type on hold_views (tenant_id, livemode, type, created_at, id) where type is not null;
`;
}
