import { SqlMigration } from '@payflow/database';

/** Transaction types in the read model. The new column rewrites nothing; its index reads the transfers once, and has none of them. */
export class GatewayTransactionTypes1763700012002 extends SqlMigration {
  readonly sql = `
-- The version in force of each.
create table transaction_type_views (
  tenant_id uuid not null,
  livemode boolean not null,
  name text not null,
  version bigint not null check (version > 0),
  debit json,
  credit json,
  template json,
  defined_at timestamptz not null,
  primary key (tenant_id, livemode, name)
) with (fillfactor = 70);

alter table transfer_views add column type text;
create index transfer_views_by_type on transfer_views (tenant_id, livemode, type, created_at, id) where type is not null;
`;
}
