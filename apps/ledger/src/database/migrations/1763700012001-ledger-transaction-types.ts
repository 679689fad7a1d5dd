import { SqlMigration } from '@payflow/database';

/** Transaction types, and which transfers kept to them. New tables only: locks nothing that exists. */
export class LedgerTransactionTypes1763700012001 extends SqlMigration {
  readonly sql = `
-- Every version ever in force; the greatest is.
create table transaction_types (
  tenant_id uuid not null,
  livemode boolean not null,
  name text not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
  version bigint not null check (version > 0),
  -- Null: all accounts.
  debit json,
  credit json,
  template json,
  defined_at timestamptz not null,
  primary key (tenant_id, livemode, name, version)
);

-- Only transfers that named a type: the others have nothing to say here.
create table typed_transfers (
  tenant_id uuid not null,
  livemode boolean not null,
  transfer_id uuid not null,
  name text not null,
  version bigint not null,
  primary key (tenant_id, livemode, transfer_id)
  -- No foreign key: every batch would lock the row of the type.
);

create trigger transaction_types_append_only before update or delete on transaction_types for each row execute function refuse_change();
create trigger typed_transfers_append_only before update or delete on typed_transfers for each row execute function refuse_change();
do $$ begin
  execute format('revoke update, delete on transaction_types, typed_transfers from %I', current_database());
end $$;
`;
}
