import { SqlMigration } from '@payflow/database';

/**
 * Kinds, states and limits of accounts; holds, reversals and groups. Adds columns without rewriting a table; the new
 * check reads `accounts` once while nothing else writes it.
 */
export class LedgerHolds1763700003000 extends SqlMigration {
  readonly sql = `
alter table accounts
  add column kind text not null default 'liability' check (kind in ('asset', 'liability', 'equity', 'income', 'expense')),
  add column state text not null default 'open' check (state in ('open', 'debits_frozen', 'frozen', 'closed')),
  add column overdraft_limit_minor bigint not null default 0 check (overdraft_limit_minor >= 0),
  drop constraint accounts_overdraft_check,
  add constraint accounts_overdraft_check check (overdraft in ('none', 'limited', 'unbounded')),
  add constraint accounts_limit_belongs check (overdraft_limit_minor = 0 or overdraft = 'limited'),
  drop constraint accounts_floor,
  -- Assets and expenses grow by debits and fall by credits; what is held on its way out is gone already.
  add constraint accounts_floor check (overdraft = 'unbounded' or overdraft_limit_minor + case
    when kind in ('asset', 'expense') then posted_debits - posted_credits - pending_credits
    else posted_credits - posted_debits - pending_debits end >= 0),
  add constraint accounts_closed_are_empty check (
    state <> 'closed' or (posted_debits = posted_credits and pending_debits = 0 and pending_credits = 0));

alter table transfers
  add column group_id uuid,
  add column hold_id uuid,
  add column reverses_id uuid,
  -- Null: the instant it was recorded at.
  add column effective_at timestamptz check (effective_at <= recorded_at);

alter table verdicts drop constraint verdicts_kind_check;
alter table verdicts add constraint verdicts_kind_check check (kind in ('account', 'transfer', 'group', 'hold', 'change'));

-- Money set aside. Written under the locks of both its accounts.
create table holds (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid,
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  asset text not null,
  posted_minor bigint not null check (posted_minor between 0 and amount_minor),
  status text not null check (status in ('pending', 'posted', 'voided', 'expired')),
  expires_at timestamptz,
  version bigint not null check (version > 0),
  -- When the sweeper last asked for its end.
  expiry_asked_at timestamptz,
  placed_at timestamptz not null,
  changed_at timestamptz not null,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id),
  constraint holds_two_accounts check (debit_account_id <> credit_account_id)
) with (fillfactor = 70);
-- What the sweeper looks through; a hold leaves it when it ends.
create index holds_by_expiry on holds (expires_at) where status = 'pending' and expires_at is not null;
-- What is held of an account, for its proof.
create index holds_pending_by_debit on holds (tenant_id, livemode, debit_account_id) where status = 'pending';
create index holds_pending_by_credit on holds (tenant_id, livemode, credit_account_id) where status = 'pending';

-- A hold ends once, and never takes back what it posted.
create function refuse_hold_revival() returns trigger language plpgsql as $$
begin
  if old.status <> 'pending' or new.posted_minor < old.posted_minor or new.amount_minor <> old.amount_minor
    or new.version <= old.version then
    raise exception 'a hold that has ended stays as it is' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger holds_end_once before update of status, posted_minor, amount_minor, version on holds for each row execute function refuse_hold_revival();

-- How much of a transfer has been moved back: never more than it moved.
create table reversals (
  tenant_id uuid not null,
  livemode boolean not null,
  transfer_id uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  reversed_minor bigint not null check (reversed_minor between 1 and amount_minor),
  primary key (tenant_id, livemode, transfer_id)
) with (fillfactor = 70);

do $$ begin
  execute format('revoke delete on holds, reversals from %I', current_database());
end $$;
`;
}
