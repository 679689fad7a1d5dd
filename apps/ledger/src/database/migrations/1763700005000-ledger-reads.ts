import { SqlMigration } from '@payflow/database';

/** What reads of the past stand on. Each index locks its table against writes while it is built: a minute for ten million transfers. */
export class LedgerReads1763700005000 extends SqlMigration {
  readonly sql = `
-- An account's history, and what came after a snapshot of it.
create index transfers_by_debit on transfers (tenant_id, livemode, debit_account_id, recorded_at);
create index transfers_by_credit on transfers (tenant_id, livemode, credit_account_id, recorded_at);
-- What counts earlier than it was recorded. With the recorded time, so that what both times exclude is not fetched.
create index transfers_effective_by_debit on transfers (tenant_id, livemode, debit_account_id, effective_at, recorded_at)
  where effective_at is not null;
create index transfers_effective_by_credit on transfers (tenant_id, livemode, credit_account_id, effective_at, recorded_at)
  where effective_at is not null;
create index transfers_by_group on transfers (tenant_id, livemode, group_id) where group_id is not null;

-- Subtrees, whatever the database's collation.
create index accounts_by_path on accounts (tenant_id, livemode, path text_pattern_ops) where path is not null;

-- The sums of an account's transfers recorded at or before an instant. What is held has no history, so none is kept of it.
create table balance_snapshots (
  tenant_id uuid not null,
  livemode boolean not null,
  account_id uuid not null,
  recorded_at timestamptz not null,
  posted_debits bigint not null check (posted_debits >= 0),
  posted_credits bigint not null check (posted_credits >= 0),
  -- The account's version when it was looked at: how far it has moved since tells when to look again.
  account_version bigint not null,
  primary key (tenant_id, livemode, account_id, recorded_at)
);

-- Accounts of transfers before it have been looked at.
create table snapshot_horizon (
  only_row boolean primary key default true check (only_row),
  horizon xid8 not null
);
insert into snapshot_horizon (horizon) values ('0');

do $$ begin
  execute format('revoke update, delete on balance_snapshots from %I', current_database());
  execute format('revoke insert, delete on snapshot_horizon from %I', current_database());
end $$;
`;
}
