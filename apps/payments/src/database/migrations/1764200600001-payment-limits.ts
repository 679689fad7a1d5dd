import { SqlMigration } from '@payflow/database';

/**
 * Limits, risk rules and reviews. New tables, and columns without a value on `payments`, which is locked for as long as it takes
 * to note them and to look through it once for the new check.
 */
export class PaymentLimits1764200600001 extends SqlMigration {
  readonly sql = `
-- Who has limits or rules: what a payment is taken in by looks here, and on everybody else's no more is spent.
create table payment_policies (
  tenant_id uuid not null,
  livemode boolean not null,
  -- +1 per definition: what a process remembers of the definitions is compared with it.
  version bigint not null check (version > 0),
  -- Any of them is on.
  active boolean not null,
  primary key (tenant_id, livemode)
) with (fillfactor = 70);

create table limits (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null check (version > 0),
  kind text not null check (kind in ('per_payment', 'per_day', 'per_month', 'velocity')),
  scope text not null check (scope in ('customer', 'each_customer', 'all')),
  customer_id uuid,
  method text,
  asset text,
  amount_minor bigint check (amount_minor >= 0),
  payment_count integer check (payment_count > 0),
  window_minutes integer check (window_minutes > 0),
  enabled boolean not null,
  defined_at timestamptz not null,
  primary key (tenant_id, livemode, id),
  constraint limits_customer_is_named check ((scope = 'customer') = (customer_id is not null)),
  constraint limits_sums_have_asset check (kind = 'velocity' or (asset is not null and amount_minor is not null)),
  constraint limits_velocity_counts check ((kind = 'velocity') = (payment_count is not null and window_minutes is not null))
) with (fillfactor = 70);

create table risk_rules (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null check (version > 0),
  priority integer not null check (priority >= 0),
  verdict text not null check (verdict in ('deny', 'review', 'allow')),
  reason text not null,
  conditions json not null,
  enabled boolean not null,
  defined_at timestamptz not null,
  primary key (tenant_id, livemode, id)
) with (fillfactor = 70);

-- Every answer that was given to somebody who defined a limit or a rule: a copy of the command changes nothing again.
create table policy_definitions (
  tenant_id uuid not null,
  livemode boolean not null,
  command_id uuid not null,
  kind text not null check (kind in ('limit', 'risk_rule')),
  subject_id uuid not null,
  -- Null where it was refused.
  version bigint,
  reason text,
  terms json,
  actor text not null,
  defined_at timestamptz not null,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, command_id),
  constraint policy_definitions_refused_has_reason check ((version is null) = (reason is not null))
);

-- What is reserved and used of a limit by a subject in a window. The row is locked by whoever reserves. That of a velocity, or of
-- what a rule counts, is there for its lock alone: its window slides, and is counted in the reservations.
create table limit_uses (
  tenant_id uuid not null,
  livemode boolean not null,
  limit_id uuid not null,
  subject text not null,
  window_start timestamptz not null,
  reserved_minor bigint not null default 0 check (reserved_minor >= 0),
  used_minor bigint not null default 0 check (used_minor >= 0),
  -- What the limit was when something was reserved last: it may be lowered below what is used already.
  allowed_minor bigint not null default 0,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, livemode, limit_id, subject, window_start),
  constraint limit_uses_within_limit check (reserved_minor + used_minor <= allowed_minor)
) with (fillfactor = 60);

create table limit_reservations (
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  limit_id uuid not null,
  subject text not null,
  window_start timestamptz not null,
  -- The payment's acceptance.
  at timestamptz not null,
  amount_minor bigint not null check (amount_minor > 0),
  used_minor bigint not null default 0 check (used_minor >= 0 and used_minor <= amount_minor),
  -- counted: by a rule, which asks how often somebody tried and gives nothing back.
  status text not null check (status in ('reserved', 'used', 'released', 'counted')),
  updated_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  -- A limit may have become another one by the time that something is added to the payment.
  primary key (tenant_id, livemode, payment_id, limit_id, subject, window_start)
) with (fillfactor = 80);
create index limit_reservations_by_window on limit_reservations (tenant_id, livemode, limit_id, subject, window_start, at)
  where status <> 'released';

-- Payments that wait for a human, and that waited: each has its payment's UUID.
create table reviews (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null default 'open' check (status in ('open', 'approved', 'denied', 'expired')),
  rule_id uuid not null,
  reason text not null,
  opened_at timestamptz not null,
  expires_at timestamptz not null,
  -- False where the payment waits to be confirmed once it is approved.
  confirm boolean not null default true,
  -- When it was last said that its time is over.
  swept_at timestamptz,
  decided_at timestamptz,
  decided_by text,
  decision_reason text,
  -- The message that decided it: a copy of it is no second decision.
  decision_id uuid,
  version bigint not null default 1,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id),
  constraint reviews_decided_by_message check ((status = 'open') = (decision_id is null))
) with (fillfactor = 80);
create index reviews_open on reviews (opened_at) where status = 'open';
create index reviews_open_by_end on reviews (expires_at) where status = 'open';

alter table payments
  -- Null: its tenant had neither limits nor rules. in_review: it waits for a human, and nothing is asked of anybody for it.
  add column admission text,
  add column failure_reason text,
  add constraint payments_admission_check check (admission in ('judged', 'in_review'));

do $$ declare name text; begin
  foreach name in array array['payment_policies', 'limits', 'risk_rules', 'policy_definitions', 'limit_uses', 'limit_reservations',
      'reviews'] loop
    execute format('revoke delete on %I from %I', name, current_database());
  end loop;
end $$;
`;
}
