import { SqlMigration } from '@payflow/database';

/** The books: accounts, transfers and the verdict on every command. New tables only: locks nothing that exists. */
export class LedgerTables1763700001000 extends SqlMigration {
  readonly sql = `
-- Pages keep room, and no counter is indexed, so that updates stay within their page.
create table accounts (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  path text,
  asset text not null,
  overdraft text not null check (overdraft in ('none', 'unbounded')),
  posted_debits bigint not null check (posted_debits >= 0),
  posted_credits bigint not null check (posted_credits >= 0),
  pending_debits bigint not null check (pending_debits >= 0),
  pending_credits bigint not null check (pending_credits >= 0),
  version bigint not null,
  metadata json not null,
  created_at timestamptz not null,
  last_recorded_at timestamptz not null,
  primary key (tenant_id, livemode, id),
  constraint accounts_floor check (overdraft = 'unbounded' or posted_credits - posted_debits - pending_debits >= 0)
) with (fillfactor = 60);
create unique index accounts_path on accounts (tenant_id, livemode, path) where path is not null;

create table transfers (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  recorded_at timestamptz not null,
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  asset text not null,
  payment_id uuid,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id, recorded_at),
  constraint transfers_two_accounts check (debit_account_id <> credit_account_id)
) partition by range (recorded_at);
insert into maintained_partitions values ('transfers', '1 month');

-- The ledger's inbox: what it answered to each command, refusals included. Never pruned: an id means one thing for ever.
create table verdicts (
  tenant_id uuid not null,
  livemode boolean not null,
  kind text not null check (kind in ('account', 'transfer')),
  id uuid not null,
  content_hash bytea not null,
  command_id uuid not null,
  event_id uuid not null,
  event_type text not null,
  event_data text not null,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, kind, id)
) partition by hash (id);
create table verdicts_0 partition of verdicts for values with (modulus 4, remainder 0);
create table verdicts_1 partition of verdicts for values with (modulus 4, remainder 1);
create table verdicts_2 partition of verdicts for values with (modulus 4, remainder 2);
create table verdicts_3 partition of verdicts for values with (modulus 4, remainder 3);

-- History is append-only: a trigger, because partitions made later inherit it, and grants they do not.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
create trigger transfers_append_only before update or delete on transfers for each row execute function refuse_change();
create trigger verdicts_append_only before update or delete on verdicts for each row execute function refuse_change();

do $$ begin
  execute format('revoke delete on accounts from %I', current_database());
end $$;
`;
}
