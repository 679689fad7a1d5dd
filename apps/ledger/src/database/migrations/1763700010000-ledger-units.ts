import { SqlMigration } from '@payflow/database';

/** Units of account that tenants define. A new table: locks nothing that exists. */
export class LedgerUnits1763700010000 extends SqlMigration {
  readonly sql = `
-- What everybody has (currencies, crypto assets) is no row here: the services know it.
create table units (
  tenant_id uuid not null,
  livemode boolean not null,
  code text not null check (code ~ '^[A-Z][A-Z0-9]{3,11}$'),
  scale smallint not null check (scale between 0 and 12),
  name text not null,
  created_at timestamptz not null,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, code)
);
create trigger units_append_only before update or delete on units for each row execute function refuse_change();

do $$ begin
  execute format('revoke update, delete on units from %I', current_database());
end $$;
`;
}
