import { SqlMigration } from '@payflow/database';

/**
 * What a payment goes through after it was made: its sums and what it waits for, the number of the last command that was
 * accepted for it, and what was asked of it. The new columns are of the catalogue alone and rewrite nothing; the widened checks
 * read `payment_views`, `pending_writes` and `idempotency_records` once while nothing else uses them: a second per ten million rows.
 */
export class GatewayPaymentLife1764200200001 extends SqlMigration {
  readonly sql = `
alter table payment_views
  drop constraint payment_views_status_check,
  -- More may be captured than was asked for: within what the provider tolerates.
  drop constraint payment_views_check,
  add column capture text not null default 'automatic' check (capture in ('automatic', 'manual', 'manual_multiple')),
  -- Null where it is what was captured.
  add column amount_authorized_minor bigint check (amount_authorized_minor >= 0),
  add column next_action json,
  add column authorized_until timestamptz,
  add column customer_id uuid,
  add column retry_of_id uuid,
  -- The place of the last command that was accepted for it: taken under the row's lock, so that none is given twice.
  add column sequence integer not null default 1 check (sequence > 0),
  add constraint payment_views_status_check check (status in ('pending', 'requires_action', 'processing', 'authorized',
    'partially_captured', 'succeeded', 'failed', 'canceled', 'expired')),
  add constraint payment_views_captured_not_negative check (amount_captured_minor >= 0);

-- What was asked of payments that are there. It is written with the request, so that it can be read right after the 202.
create table payment_operation_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  kind text not null check (kind in ('confirmation', 'increment', 'capture', 'cancellation', 'refund')),
  status text not null check (status in ('pending', 'succeeded', 'failed')),
  -- Null where all that is left was asked for and it is not known yet how much that is, and where there is no sum.
  amount_minor bigint check (amount_minor > 0),
  asset text not null,
  failure_code text,
  reason text,
  metadata json not null,
  trace_id text,
  version bigint not null check (version >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, livemode, id),
  constraint payment_operation_views_failed_has_code check ((status = 'failed') = (failure_code is not null))
) with (fillfactor = 70);
-- The lists, newest first: all of a kind, and those of one payment. None of their columns changes.
create index payment_operation_views_by_time on payment_operation_views (tenant_id, livemode, kind, created_at, id);
create index payment_operation_views_by_payment on payment_operation_views (tenant_id, livemode, payment_id, kind, created_at, id);
-- What moved money for a payment that goes by steps.
create index transfer_views_by_payment on transfer_views (tenant_id, livemode, payment_id) where payment_id is not null;

alter table idempotency_records drop constraint idempotency_records_resource_kind_check;
alter table idempotency_records add constraint idempotency_records_resource_kind_check
  check (resource_kind in ('payment', 'account', 'transfer', 'group', 'hold', 'change', 'bulk', 'payment_bulk',
    'confirmation', 'increment', 'capture', 'cancellation', 'refund'));
alter table pending_writes drop constraint pending_writes_resource_kind_check;
alter table pending_writes add constraint pending_writes_resource_kind_check
  check (resource_kind in ('payment', 'account', 'transfer', 'group', 'hold', 'change',
    'confirmation', 'increment', 'capture', 'cancellation', 'refund'));
`;
}
