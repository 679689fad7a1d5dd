import { SqlMigration } from '@payflow/database';

/**
 * What the machine has to know of operations and steps at work, and where its sweepers look. The tables of operations and steps
 * have no rows yet; `payments` is locked for as long as its rows of before are told what they captured, and its indexes take.
 */
export class OperationsAtWork1764200100001 extends SqlMigration {
  readonly sql = `
alter table payments
  -- When its end was last asked for, because its time is over.
  add column swept_at timestamptz;
update payments set amount_authorized_minor = amount_minor, amount_captured_minor = amount_minor where status = 'succeeded';
-- What ended before there was a log, in its words.
insert into payment_transitions (tenant_id, livemode, payment_id, version, from_status, to_status, actor, reason, cause_event_id, trace_id, at, xact_id)
  select tenant_id, livemode, id, version, 'processing', status, 'payments/migration', coalesce(failure_code, 'captured'), verdict_event_id,
    repeat('0', 32), updated_at, xact_id
  from payments where version > 0;

alter table payment_operations
  -- An operation that gives back what it reserved knows why it will have failed.
  drop constraint payment_operations_failed_has_code,
  add constraint payment_operations_failed_has_code check (
    case status when 'failed' then failure_code is not null when 'releasing' then true else failure_code is null end),
  -- The message that brought the provider's word.
  add column answer_event_id uuid,
  -- The ledger refused what it never should: a human has to say.
  add column needs_attention boolean not null default false;

alter table ledger_steps
  -- Of the step that placed a hold: how much of it is still held.
  add column hold_left_minor bigint check (hold_left_minor >= 0),
  -- Both accounts as the hold left them, for the event that tells of it only after a provider's word.
  add column accounts json;

create index payments_authorized_until on payments (authorized_until) where status in ('authorized', 'partially_captured');
create index payments_to_be_acted_on on payments (expires_at) where status = 'requires_action';
create index ledger_steps_of_payment on ledger_steps (tenant_id, livemode, payment_id);
create index payment_operations_by_change on payment_operations (updated_at);
create index payment_operations_open on payment_operations (updated_at) where status not in ('succeeded', 'failed');
create index ledger_steps_asked on ledger_steps (updated_at) where status = 'asked';
`;
}
