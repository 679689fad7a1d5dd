import { SqlMigration } from '@payflow/database';

/**
 * The whole life of a payment: its sums, what is asked of it, of the ledger and of the providers, and how it came to stand
 * where it stands. Changes `payments` under an exclusive lock for as long as it takes to add columns with constant defaults
 * and to look through the table once for each new check.
 */
export class PaymentLife1764200000001 extends SqlMigration {
  readonly sql = `
alter table payments
  drop constraint payments_status_check,
  drop constraint payments_final_has_verdict,
  -- One transfer books a payment that is captured at once from account to account; all others go by steps, and have none here.
  alter column ledger_command_id drop not null,
  add column capture text not null default 'automatic' check (capture in ('automatic', 'manual', 'manual_multiple')),
  add column customer_id uuid,
  add column retry_of_id uuid,
  add column amount_authorized_minor bigint not null default 0 check (amount_authorized_minor >= 0),
  add column amount_captured_minor bigint not null default 0,
  add column amount_refunded_minor bigint not null default 0,
  -- Asked for and not ended: nobody else may have it.
  add column amount_refunding_minor bigint not null default 0,
  add column next_action json,
  add column authorized_until timestamptz,
  -- The one operation that may move its state now; others wait for it.
  add column operation_id uuid,
  add column connector text,
  add column provider_reference text,
  add constraint payments_status_check check (status in ('requires_action', 'processing', 'authorized', 'partially_captured',
    'succeeded', 'failed', 'canceled', 'expired')),
  add constraint payments_direct_has_verdict check (
    ledger_command_id is null or (status = 'processing') = (verdict_event_id is null)),
  add constraint payments_captured_within_authorized check (
    amount_captured_minor >= 0 and amount_captured_minor <= amount_authorized_minor),
  add constraint payments_refunded_within_captured check (
    amount_refunded_minor >= 0 and amount_refunding_minor >= 0
    and amount_refunded_minor + amount_refunding_minor <= amount_captured_minor);

-- What is asked of a payment that is there, and its first authorization, which has the payment's own UUID.
create table payment_operations (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  kind text not null check (kind in ('authorization', 'confirmation', 'increment', 'capture', 'cancellation', 'refund', 'expiry',
    'dispute')),
  -- Its place among those of the payment: what waits begins in this order.
  number integer not null check (number > 0),
  status text not null check (status in ('queued', 'reserving', 'asking', 'settling', 'releasing', 'succeeded', 'failed')),
  amount_minor bigint check (amount_minor > 0),
  final boolean not null default true,
  failure_code text,
  reason text,
  metadata json not null default '{}',
  -- The message that asked for it, and who stands behind it.
  command_id uuid not null,
  actor text not null,
  trace_id text,
  version bigint not null default 0 check (version >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id),
  unique (tenant_id, livemode, payment_id, number),
  foreign key (tenant_id, livemode, payment_id) references payments,
  constraint payment_operations_failed_has_code check ((status = 'failed') = (failure_code is not null))
) with (fillfactor = 80);

-- What was asked of the ledger for an operation: one row for each command, so that no step is booked twice.
create table ledger_steps (
  tenant_id uuid not null,
  livemode boolean not null,
  operation_id uuid not null,
  -- reserve, settle:1, settle:2, release ...
  step text not null,
  payment_id uuid not null,
  command_id uuid not null unique,
  command_type text not null,
  -- As it was sent, to be sent again byte for byte.
  command json not null,
  status text not null default 'asked' check (status in ('asked', 'done', 'refused')),
  hold_id uuid,
  transfer_id uuid,
  amount_minor bigint not null check (amount_minor > 0),
  reason text,
  verdict_event_id uuid,
  asked_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, operation_id, step),
  foreign key (tenant_id, livemode, operation_id) references payment_operations (tenant_id, livemode, id),
  constraint ledger_steps_ended_has_verdict check ((status = 'asked') = (verdict_event_id is null)),
  constraint ledger_steps_refused_has_reason check ((status = 'refused') = (reason is not null))
) with (fillfactor = 80);

-- What was asked, or is to be asked, of providers. The worker alone moves it from 'created' on.
create table attempts (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  operation_id uuid not null,
  -- Another provider was tried for the same wish.
  number integer not null default 1 check (number > 0),
  action text not null check (action in ('authorize', 'sale', 'increment', 'capture', 'void', 'refund', 'submit_evidence')),
  status text not null default 'created' check (status in ('created', 'sending', 'unknown', 'requires_action', 'approved', 'declined',
    'not_sent')),
  amount_minor bigint check (amount_minor > 0),
  asset text not null,
  -- What the connector is told beside the sums: token, brand, the reference of what is captured or refunded; never a secret.
  request json not null,
  connector text,
  -- Why this one, and who else could have been.
  routing json,
  provider_reference text,
  code text,
  url text,
  -- When it was sent for the first time, and how often it was asked how that ended.
  sent_at timestamptz,
  inquiries integer not null default 0,
  -- Nobody could be found who knows: a human has to say.
  needs_attention boolean not null default false,
  version bigint not null default 0,
  created_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id),
  unique (tenant_id, livemode, operation_id, action, number),
  foreign key (tenant_id, livemode, operation_id) references payment_operations (tenant_id, livemode, id),
  constraint attempts_sent_by_someone check (status in ('created', 'not_sent') or connector is not null)
) with (fillfactor = 80);

-- Everything that providers said of a payment, in the order it came, believed or not.
create table provider_evidence (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  attempt_id uuid,
  connector text not null,
  source text not null check (source in ('answer', 'inquiry', 'webhook')),
  outcome text not null,
  code text,
  provider_reference text,
  -- The provider's words, without what is secret.
  content json not null,
  -- False on what came late, came again, or says something else than what is known.
  believed boolean not null,
  received_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, livemode, id)
);

-- Every change of a payment's state: from where, to where, who, why, and the trace that shows it.
create table payment_transitions (
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  version bigint not null,
  from_status text not null,
  to_status text not null,
  actor text not null,
  reason text not null,
  cause_event_id uuid not null,
  trace_id text,
  at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, payment_id, version)
);

do $$ declare name text; begin
  foreach name in array array['payment_operations', 'ledger_steps', 'attempts', 'provider_evidence', 'payment_transitions'] loop
    execute format('revoke delete on %I from %I', name, current_database());
  end loop;
end $$;
`;
}
