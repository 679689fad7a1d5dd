import { SqlMigration } from '@payflow/database';

/** Units of account that tenants define, in the read model. A new table: locks nothing that exists. */
export class GatewayUnits1763700010001 extends SqlMigration {
  readonly sql = `
create table unit_views (
  tenant_id uuid not null,
  livemode boolean not null,
  code text not null,
  scale smallint not null check (scale between 0 and 12),
  name text not null,
  created_at timestamptz not null,
  primary key (tenant_id, livemode, code)
);
`;
}
