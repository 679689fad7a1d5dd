import { SqlMigration } from '@payflow/database';

/**
 * Transfers, groups and holds in the read model; kinds, states and limits of accounts. The new tables lock nothing that
 * exists. The widened checks and the new key of `pending_writes` read their tables once while nothing else uses them:
 * `pending_writes` holds only what is on its way, the others a second per ten million rows.
 */
export class GatewayTransfers1763700003000 extends SqlMigration {
  readonly sql = `
alter table idempotency_records drop constraint idempotency_records_resource_kind_check;
alter table idempotency_records add constraint idempotency_records_resource_kind_check
  check (resource_kind in ('payment', 'account', 'transfer', 'group', 'hold', 'change'));

-- Clients choose ids, and may give two kinds the same UUID: the kind belongs into the key.
alter table pending_writes
  drop constraint pending_writes_resource_kind_check,
  add constraint pending_writes_resource_kind_check
    check (resource_kind in ('payment', 'account', 'transfer', 'group', 'hold', 'change')),
  drop constraint pending_writes_pkey,
  add primary key (tenant_id, livemode, resource_id, resource_kind),
  -- The message that its answer names as its cause. Null for payments and openings, which their own ids answer.
  add column command_id uuid;
create unique index pending_writes_by_command on pending_writes (tenant_id, livemode, command_id) where command_id is not null;

alter table account_views
  add column kind text not null default 'liability' check (kind in ('asset', 'liability', 'equity', 'income', 'expense')),
  add column overdraft_limit_minor bigint not null default 0 check (overdraft_limit_minor >= 0),
  -- The version that brought state, overdraft and metadata. Counters come with other events, and may be newer.
  add column terms_version bigint not null default 0 check (terms_version >= 0),
  drop constraint account_views_status_check,
  add constraint account_views_status_check check (status in ('pending', 'open', 'debits_frozen', 'frozen', 'closed')),
  drop constraint account_views_overdraft_check,
  add constraint account_views_overdraft_check check (overdraft in ('none', 'limited', 'unbounded'));

create table transfer_group_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null check (status in ('pending', 'posted', 'failed')),
  effective_at timestamptz,
  metadata json not null,
  failure_code text,
  failure_leg integer,
  trace_id text,
  version bigint not null check (version >= 0),
  created_at timestamptz not null,
  recorded_at timestamptz,
  primary key (tenant_id, livemode, id),
  constraint transfer_group_views_failed_has_code check ((status = 'failed') = (failure_code is not null)),
  constraint transfer_group_views_posted_is_recorded check ((status = 'posted') = (recorded_at is not null))
) with (fillfactor = 70);

create table transfer_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null check (status in ('pending', 'posted', 'failed')),
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  -- What was asked for, and once it is posted, what moved. Zero where all that was left was asked for, and nothing is.
  amount_minor bigint not null check (amount_minor >= 0),
  asset text not null,
  group_id uuid,
  position integer,
  hold_id uuid,
  reverses_id uuid,
  reversed_minor bigint not null default 0 check (reversed_minor between 0 and amount_minor),
  effective_at timestamptz,
  metadata json not null,
  failure_code text,
  failure_leg integer,
  trace_id text,
  version bigint not null check (version >= 0),
  created_at timestamptz not null,
  recorded_at timestamptz,
  primary key (tenant_id, livemode, id),
  constraint transfer_views_place_in_group check ((group_id is null) = (position is null)),
  constraint transfer_views_failed_has_code check ((status = 'failed') = (failure_code is not null)),
  constraint transfer_views_posted_is_recorded check ((status = 'posted') = (recorded_at is not null))
) with (fillfactor = 70);
-- The lists, newest first, and the transfers of one group. None of their columns changes.
create index transfer_views_by_time on transfer_views (tenant_id, livemode, created_at, id);
create index transfer_views_by_debit on transfer_views (tenant_id, livemode, debit_account_id, created_at, id);
create index transfer_views_by_credit on transfer_views (tenant_id, livemode, credit_account_id, created_at, id);
create index transfer_views_by_group on transfer_views (tenant_id, livemode, group_id, position) where group_id is not null;
create index transfer_views_by_hold on transfer_views (tenant_id, livemode, hold_id, created_at, id) where hold_id is not null;

create table hold_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null check (status in ('requested', 'pending', 'posted', 'voided', 'expired', 'failed')),
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null check (amount_minor > 0),
  posted_minor bigint not null default 0 check (posted_minor between 0 and amount_minor),
  asset text not null,
  expires_at timestamptz,
  payment_id uuid,
  transfer_id uuid,
  failure_code text,
  trace_id text,
  version bigint not null check (version >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, livemode, id),
  constraint hold_views_failed_has_code check ((status = 'failed') = (failure_code is not null))
) with (fillfactor = 70);
create index hold_views_by_time on hold_views (tenant_id, livemode, created_at, id);
create index hold_views_by_debit on hold_views (tenant_id, livemode, debit_account_id, created_at, id);
create index hold_views_by_credit on hold_views (tenant_id, livemode, credit_account_id, created_at, id);
`;
}
