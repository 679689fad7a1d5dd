import { SqlMigration } from '@payflow/database';

/**
 * Disputes of payments, the movements of their money, and how they came to stand where they stand. Changes `payments` under an
 * exclusive lock for as long as it takes to add a column with a constant default and to look through the table once.
 */
export class PaymentDisputes1764200700002 extends SqlMigration {
  readonly sql = `
-- Disputed and not won: it cannot be refunded. No check binds it to the sums: a dispute may be of what was refunded before.
alter table payments add column amount_disputed_minor bigint not null default 0 check (amount_disputed_minor >= 0);

create table disputes (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  connector text not null,
  provider_reference text not null,
  status text not null check (status in ('needs_response', 'under_review', 'won', 'lost')),
  -- Where the disputed money is.
  leg text not null check (leg in ('taking', 'taken', 'refused', 'returning', 'returned', 'return_refused', 'waived')),
  leg_try integer not null check (leg_try >= 0),
  -- What the ledger has not answered.
  leg_command_id uuid,
  leg_transfer_id uuid,
  leg_reason text,
  amount_minor bigint not null check (amount_minor > 0),
  asset text not null,
  reason text,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  evidence_due_by timestamptz,
  evidence_submitted_at timestamptz,
  evidence_command_id uuid,
  evidence_attempt_id uuid,
  -- What took the money, and what gave it back.
  transfer_id uuid,
  return_transfer_id uuid,
  version bigint not null check (version > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  swept_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, id),
  -- However often it is told, and in which order: one dispute of the provider is one here.
  unique (tenant_id, livemode, connector, provider_reference),
  foreign key (tenant_id, livemode, payment_id) references payments,
  constraint disputes_asked_has_command check (
    (leg in ('taking', 'returning')) = (leg_command_id is not null) and (leg_command_id is null) = (leg_transfer_id is null)),
  constraint disputes_taken_has_transfer check (
    (leg in ('taken', 'returning', 'returned', 'return_refused')) = (transfer_id is not null)),
  constraint disputes_returned_has_transfer check ((leg = 'returned') = (return_transfer_id is not null)),
  constraint disputes_evidence_has_attempt check ((evidence_command_id is null) = (evidence_attempt_id is null))
) with (fillfactor = 80);

create index disputes_by_payment on disputes (tenant_id, livemode, payment_id);
-- What the sweeper looks through: only what is not where it should be.
create index disputes_unsettled on disputes (swept_at) where leg in ('taking', 'refused', 'returning', 'return_refused');

-- What was asked of the ledger for a dispute. A refused movement is asked for again under ids of its own.
create table dispute_legs (
  tenant_id uuid not null,
  livemode boolean not null,
  transfer_id uuid not null,
  dispute_id uuid not null,
  direction text not null check (direction in ('out', 'back')),
  number integer not null check (number > 0),
  command_id uuid not null unique,
  status text not null default 'asked' check (status in ('asked', 'posted', 'refused')),
  reason text,
  verdict_event_id uuid,
  asked_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, transfer_id),
  unique (tenant_id, livemode, dispute_id, direction, number),
  foreign key (tenant_id, livemode, dispute_id) references disputes,
  constraint dispute_legs_ended_has_verdict check ((status = 'asked') = (verdict_event_id is null)),
  constraint dispute_legs_refused_has_reason check ((status = 'refused') = (reason is not null))
) with (fillfactor = 80);
-- The last wall: money leaves once, and comes back once.
create unique index dispute_legs_once on dispute_legs (tenant_id, livemode, dispute_id, direction) where status <> 'refused';

-- Every change of a dispute: from where, to where, who, why, and the trace that shows it.
create table dispute_transitions (
  tenant_id uuid not null,
  livemode boolean not null,
  dispute_id uuid not null,
  version bigint not null,
  from_status text,
  to_status text not null,
  from_leg text,
  to_leg text not null,
  actor text not null,
  reason text not null,
  cause_event_id uuid not null,
  trace_id text,
  at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, dispute_id, version)
);
create index dispute_transitions_by_time on dispute_transitions using brin (at);

do $$ declare name text; begin
  foreach name in array array['disputes', 'dispute_legs', 'dispute_transitions'] loop
    execute format('revoke delete on %I from %I', name, current_database());
  end loop;
end $$;
`;
}
