create table archived_tallies (
  topic text not null,
  type text not null,
  day date not null,
  slot smallint not null,
  messages bigint not null,
  id_sum bigint not null,
  constraint archived_tallies_pkey PRIMARY KEY (topic, type, day, slot)
);

create table attempt_log_began (
  at timestamp with time zone not null,
  constraint attempt_log_began_pkey PRIMARY KEY (at)
);

create table attempt_transitions (
  tenant_id uuid not null,
  livemode boolean not null,
  attempt_id uuid not null,
  version bigint not null,
  from_status text not null,
  to_status text not null,
  actor text not null,
  reason text not null,
  trace_id text,
  at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint attempt_transitions_pkey PRIMARY KEY (tenant_id, livemode, attempt_id, version)
);

create table attempts (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  operation_id uuid not null,
  number integer not null default 1,
  action text not null,
  status text not null default 'created'::text,
  amount_minor bigint,
  asset text not null,
  request json not null,
  connector text,
  routing json,
  provider_reference text,
  code text,
  url text,
  sent_at timestamp with time zone,
  inquiries integer not null default 0,
  needs_attention boolean not null default false,
  version bigint not null default 0,
  created_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  unknown_at timestamp with time zone,
  correlation_id uuid,
  traceparent text,
  constraint attempts_action_check CHECK ((action = ANY (ARRAY['authorize'::text, 'sale'::text, 'increment'::text, 'capture'::text, 'void'::text, 'refund'::text, 'submit_evidence'::text]))),
  constraint attempts_amount_minor_check CHECK ((amount_minor > 0)),
  constraint attempts_number_check CHECK ((number > 0)),
  constraint attempts_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint attempts_sent_by_someone CHECK (((status = ANY (ARRAY['created'::text, 'not_sent'::text])) OR (connector IS NOT NULL))),
  constraint attempts_status_check CHECK ((status = ANY (ARRAY['created'::text, 'sending'::text, 'unknown'::text, 'requires_action'::text, 'approved'::text, 'declined'::text, 'not_sent'::text]))),
  constraint attempts_tenant_id_livemode_operation_id_fkey FOREIGN KEY (tenant_id, livemode, operation_id) REFERENCES payment_operations(tenant_id, livemode, id)
);

create table command_sequences (
  consumer_group text not null,
  tenant text not null,
  livemode boolean not null,
  record_key text not null,
  used integer not null,
  constraint command_sequences_pkey PRIMARY KEY (consumer_group, tenant, livemode, record_key),
  constraint command_sequences_used_check CHECK ((used > 1))
);

create table dead_letters (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  event_id text,
  error_class text not null,
  error_message text not null,
  attempts integer not null,
  first_at timestamp with time zone not null,
  last_at timestamp with time zone not null default clock_timestamp(),
  trace_id text,
  record_key bytea,
  record_value bytea,
  record_headers json not null,
  state text not null default 'dead'::text,
  actor text,
  reason text,
  tries integer not null default 0,
  arrival bigint not null generated always as identity,
  constraint dead_letters_pkey PRIMARY KEY (arrival),
  constraint dead_letters_state_check CHECK ((state = ANY (ARRAY['dead'::text, 'replaying'::text, 'replayed'::text, 'settled'::text])))
);

create table dispute_legs (
  tenant_id uuid not null,
  livemode boolean not null,
  transfer_id uuid not null,
  dispute_id uuid not null,
  direction text not null,
  number integer not null,
  command_id uuid not null,
  status text not null default 'asked'::text,
  reason text,
  verdict_event_id uuid,
  asked_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint dispute_legs_command_id_key UNIQUE (command_id),
  constraint dispute_legs_direction_check CHECK ((direction = ANY (ARRAY['out'::text, 'back'::text]))),
  constraint dispute_legs_ended_has_verdict CHECK (((status = 'asked'::text) = (verdict_event_id IS NULL))),
  constraint dispute_legs_number_check CHECK ((number > 0)),
  constraint dispute_legs_pkey PRIMARY KEY (tenant_id, livemode, transfer_id),
  constraint dispute_legs_refused_has_reason CHECK (((status = 'refused'::text) = (reason IS NOT NULL))),
  constraint dispute_legs_status_check CHECK ((status = ANY (ARRAY['asked'::text, 'posted'::text, 'refused'::text]))),
  constraint dispute_legs_tenant_id_livemode_dispute_id_direction_number_key UNIQUE (tenant_id, livemode, dispute_id, direction, number),
  constraint dispute_legs_tenant_id_livemode_dispute_id_fkey FOREIGN KEY (tenant_id, livemode, dispute_id) REFERENCES disputes(tenant_id, livemode, id)
);

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
  at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint dispute_transitions_pkey PRIMARY KEY (tenant_id, livemode, dispute_id, version)
);

create table disputes (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  connector text not null,
  provider_reference text not null,
  status text not null,
  leg text not null,
  leg_try integer not null,
  leg_command_id uuid,
  leg_transfer_id uuid,
  leg_reason text,
  amount_minor bigint not null,
  asset text not null,
  reason text,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  evidence_due_by timestamp with time zone,
  evidence_submitted_at timestamp with time zone,
  evidence_command_id uuid,
  evidence_attempt_id uuid,
  transfer_id uuid,
  return_transfer_id uuid,
  version bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  swept_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  asked_at timestamp with time zone not null default clock_timestamp(),
  constraint disputes_amount_minor_check CHECK ((amount_minor > 0)),
  constraint disputes_asked_has_command CHECK ((((leg = ANY (ARRAY['taking'::text, 'returning'::text])) = (leg_command_id IS NOT NULL)) AND ((leg_command_id IS NULL) = (leg_transfer_id IS NULL)))),
  constraint disputes_evidence_has_attempt CHECK (((evidence_command_id IS NULL) = (evidence_attempt_id IS NULL))),
  constraint disputes_leg_check CHECK ((leg = ANY (ARRAY['taking'::text, 'taken'::text, 'refused'::text, 'returning'::text, 'returned'::text, 'return_refused'::text, 'waived'::text]))),
  constraint disputes_leg_try_check CHECK ((leg_try >= 0)),
  constraint disputes_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint disputes_returned_has_transfer CHECK (((leg = 'returned'::text) = (return_transfer_id IS NOT NULL))),
  constraint disputes_status_check CHECK ((status = ANY (ARRAY['needs_response'::text, 'under_review'::text, 'won'::text, 'lost'::text]))),
  constraint disputes_taken_has_transfer CHECK (((leg = ANY (ARRAY['taken'::text, 'returning'::text, 'returned'::text, 'return_refused'::text])) = (transfer_id IS NOT NULL))),
  constraint disputes_tenant_id_livemode_connector_provider_reference_key UNIQUE (tenant_id, livemode, connector, provider_reference),
  constraint disputes_tenant_id_livemode_payment_id_fkey FOREIGN KEY (tenant_id, livemode, payment_id) REFERENCES payments(tenant_id, livemode, id),
  constraint disputes_version_check CHECK ((version > 0))
);

create table inbox (
  consumer_group text not null,
  event_id uuid not null,
  content_hash bigint not null,
  xact_id xid8 not null default pg_current_xact_id(),
  constraint inbox_pkey PRIMARY KEY (consumer_group, event_id)
);

create table job_decisions (
  id bigint not null generated always as identity,
  job_id bigint not null,
  name text not null,
  decision text not null,
  data json,
  last_error text,
  actor text not null,
  reason text not null,
  decided_at timestamp with time zone not null default clock_timestamp(),
  constraint job_decisions_actor_check CHECK (((length(actor) >= 1) AND (length(actor) <= 255))),
  constraint job_decisions_decision_check CHECK ((decision = ANY (ARRAY['redriven'::text, 'discarded'::text]))),
  constraint job_decisions_pkey PRIMARY KEY (id),
  constraint job_decisions_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 255)))
);

create table job_progress (
  job_id bigint not null,
  percent smallint not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint job_progress_percent_check CHECK (((percent >= 0) AND (percent <= 100))),
  constraint job_progress_pkey PRIMARY KEY (job_id)
);

create table job_workers (
  id text not null,
  started_at timestamp with time zone not null default clock_timestamp(),
  seen_at timestamp with time zone not null default clock_timestamp(),
  constraint job_workers_id_check CHECK (((length(id) >= 1) AND (length(id) <= 128))),
  constraint job_workers_pkey PRIMARY KEY (id)
);

create table ledger_steps (
  tenant_id uuid not null,
  livemode boolean not null,
  operation_id uuid not null,
  step text not null,
  payment_id uuid not null,
  command_id uuid not null,
  command_type text not null,
  command json not null,
  status text not null default 'asked'::text,
  hold_id uuid,
  transfer_id uuid,
  amount_minor bigint not null,
  reason text,
  verdict_event_id uuid,
  asked_at timestamp with time zone not null default clock_timestamp(),
  updated_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  hold_left_minor bigint,
  accounts json,
  constraint ledger_steps_amount_minor_check CHECK ((amount_minor > 0)),
  constraint ledger_steps_command_id_key UNIQUE (command_id),
  constraint ledger_steps_ended_has_verdict CHECK (((status = 'asked'::text) = (verdict_event_id IS NULL))),
  constraint ledger_steps_hold_left_minor_check CHECK ((hold_left_minor >= 0)),
  constraint ledger_steps_pkey PRIMARY KEY (tenant_id, livemode, operation_id, step),
  constraint ledger_steps_refused_has_reason CHECK (((status = 'refused'::text) = (reason IS NOT NULL))),
  constraint ledger_steps_status_check CHECK ((status = ANY (ARRAY['asked'::text, 'done'::text, 'refused'::text]))),
  constraint ledger_steps_tenant_id_livemode_operation_id_fkey FOREIGN KEY (tenant_id, livemode, operation_id) REFERENCES payment_operations(tenant_id, livemode, id)
);

create table limit_reservations (
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  limit_id uuid not null,
  subject text not null,
  window_start timestamp with time zone not null,
  at timestamp with time zone not null,
  amount_minor bigint not null,
  used_minor bigint not null default 0,
  status text not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  base_minor bigint,
  constraint limit_reservations_amount_minor_check CHECK ((amount_minor > 0)),
  constraint limit_reservations_check CHECK (((used_minor >= 0) AND (used_minor <= amount_minor))),
  constraint limit_reservations_pkey PRIMARY KEY (tenant_id, livemode, payment_id, limit_id, subject, window_start),
  constraint limit_reservations_status_check CHECK ((status = ANY (ARRAY['reserved'::text, 'used'::text, 'released'::text, 'counted'::text])))
);

create table limit_uses (
  tenant_id uuid not null,
  livemode boolean not null,
  limit_id uuid not null,
  subject text not null,
  window_start timestamp with time zone not null,
  reserved_minor bigint not null default 0,
  used_minor bigint not null default 0,
  allowed_minor bigint not null default 0,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint limit_uses_pkey PRIMARY KEY (tenant_id, livemode, limit_id, subject, window_start),
  constraint limit_uses_reserved_minor_check CHECK ((reserved_minor >= 0)),
  constraint limit_uses_used_minor_check CHECK ((used_minor >= 0)),
  constraint limit_uses_within_limit CHECK (((reserved_minor + used_minor) <= allowed_minor))
);

create table limits (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null,
  kind text not null,
  scope text not null,
  customer_id uuid,
  method text,
  asset text,
  amount_minor bigint,
  payment_count integer,
  window_minutes integer,
  enabled boolean not null,
  defined_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  counts_from bigint not null default 1,
  constraint limits_amount_minor_check CHECK ((amount_minor >= 0)),
  constraint limits_customer_is_named CHECK (((scope = 'customer'::text) = (customer_id IS NOT NULL))),
  constraint limits_kind_check CHECK ((kind = ANY (ARRAY['per_payment'::text, 'per_day'::text, 'per_month'::text, 'velocity'::text]))),
  constraint limits_payment_count_check CHECK ((payment_count > 0)),
  constraint limits_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint limits_scope_check CHECK ((scope = ANY (ARRAY['customer'::text, 'each_customer'::text, 'all'::text]))),
  constraint limits_sums_have_asset CHECK (((kind = 'velocity'::text) OR ((asset IS NOT NULL) AND (amount_minor IS NOT NULL)))),
  constraint limits_velocity_counts CHECK (((kind = 'velocity'::text) = ((payment_count IS NOT NULL) AND (window_minutes IS NOT NULL)))),
  constraint limits_version_check CHECK ((version > 0)),
  constraint limits_window_minutes_check CHECK ((window_minutes > 0))
);

create table maintained_partitions (
  table_name text not null,
  step interval not null,
  kept interval,
  kept_while text,
  constraint maintained_partitions_check CHECK ((kept >= step)),
  constraint maintained_partitions_pkey PRIMARY KEY (table_name),
  constraint maintained_partitions_step_check CHECK ((step = ANY (ARRAY['1 day'::interval, '1 mon'::interval])))
);

create table operator_decisions (
  id bigint not null generated always as identity,
  decision text not null,
  details json not null,
  actor text not null,
  reason text not null,
  decided_at timestamp with time zone not null default clock_timestamp(),
  constraint operator_decisions_actor_check CHECK (((length(actor) >= 1) AND (length(actor) <= 255))),
  constraint operator_decisions_decision_check CHECK ((decision = ANY (ARRAY['position_moved'::text, 'republished'::text, 'route_put'::text, 'route_removed'::text]))),
  constraint operator_decisions_pkey PRIMARY KEY (id),
  constraint operator_decisions_reason_check CHECK (((length(reason) >= 1) AND (length(reason) <= 255)))
);

create table outbox (
  created_at timestamp with time zone not null,
  id uuid not null,
  topic text not null,
  partition integer not null,
  messages text not null,
  message_count integer not null,
  counted integer not null,
  id_sum bigint not null,
  claimed_until timestamp with time zone not null,
  published_at timestamp with time zone,
  xact_id xid8 not null default pg_current_xact_id(),
  constraint outbox_message_count_check CHECK ((message_count > 0)),
  constraint outbox_pkey PRIMARY KEY (id, created_at)
) partition by RANGE (created_at);

create table parked_messages (
  consumer_group text not null,
  tenant text not null,
  record_key text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  event_id uuid not null,
  message json not null,
  parked_at timestamp with time zone not null default clock_timestamp(),
  arrival bigint not null generated always as identity,
  constraint parked_messages_pkey PRIMARY KEY (consumer_group, event_id)
);

create table parked_subjects (
  consumer_group text not null,
  tenant text not null,
  record_key text not null,
  state text not null,
  error_class text not null,
  error_message text not null,
  attempts integer not null,
  topic text not null,
  partition integer not null,
  parked_at timestamp with time zone not null default clock_timestamp(),
  actor text,
  reason text,
  tries integer not null default 0,
  constraint parked_subjects_pkey PRIMARY KEY (consumer_group, tenant, record_key),
  constraint parked_subjects_state_check CHECK ((state = ANY (ARRAY['parked'::text, 'releasing'::text, 'discarding'::text])))
);

create table partition_lease (
  only_row boolean not null default true,
  holder uuid,
  held_until timestamp with time zone not null default '-infinity'::timestamp with time zone,
  constraint partition_lease_only_row_check CHECK (only_row),
  constraint partition_lease_pkey PRIMARY KEY (only_row)
);

create table payment_operations (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  kind text not null,
  number integer not null,
  status text not null,
  amount_minor bigint,
  final boolean not null default true,
  failure_code text,
  reason text,
  metadata json not null default '{}'::json,
  command_id uuid not null,
  actor text not null,
  trace_id text,
  version bigint not null default 0,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  answer_event_id uuid,
  needs_attention boolean not null default false,
  constraint payment_operations_amount_minor_check CHECK ((amount_minor > 0)),
  constraint payment_operations_failed_has_code CHECK (
CASE status
    WHEN 'failed'::text THEN (failure_code IS NOT NULL)
    WHEN 'releasing'::text THEN true
    ELSE (failure_code IS NULL)
END),
  constraint payment_operations_kind_check CHECK ((kind = ANY (ARRAY['authorization'::text, 'confirmation'::text, 'increment'::text, 'capture'::text, 'cancellation'::text, 'refund'::text, 'expiry'::text, 'dispute'::text]))),
  constraint payment_operations_number_check CHECK ((number > 0)),
  constraint payment_operations_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint payment_operations_status_check CHECK ((status = ANY (ARRAY['queued'::text, 'reserving'::text, 'asking'::text, 'settling'::text, 'releasing'::text, 'succeeded'::text, 'failed'::text]))),
  constraint payment_operations_tenant_id_livemode_payment_id_fkey FOREIGN KEY (tenant_id, livemode, payment_id) REFERENCES payments(tenant_id, livemode, id),
  constraint payment_operations_version_check CHECK ((version >= 0))
);

create table payment_policies (
  tenant_id uuid not null,
  livemode boolean not null,
  version bigint not null,
  active boolean not null,
  constraint payment_policies_pkey PRIMARY KEY (tenant_id, livemode),
  constraint payment_policies_version_check CHECK ((version > 0))
);

create table payment_retries (
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  retry_id uuid not null,
  constraint payment_retries_pkey PRIMARY KEY (tenant_id, livemode, payment_id)
);

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
  at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint payment_transitions_pkey PRIMARY KEY (tenant_id, livemode, payment_id, version)
);

create table payments (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null,
  version bigint not null,
  amount_minor bigint not null,
  asset text not null,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  method json not null,
  reference text,
  metadata json not null,
  failure_code text,
  create_command_id uuid not null,
  ledger_command_id uuid,
  verdict_event_id uuid,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  capture text not null default 'automatic'::text,
  customer_id uuid,
  retry_of_id uuid,
  amount_authorized_minor bigint not null default 0,
  amount_captured_minor bigint not null default 0,
  amount_refunded_minor bigint not null default 0,
  amount_refunding_minor bigint not null default 0,
  next_action json,
  authorized_until timestamp with time zone,
  operation_id uuid,
  connector text,
  provider_reference text,
  swept_at timestamp with time zone,
  admission text,
  failure_reason text,
  amount_disputed_minor bigint not null default 0,
  division json,
  constraint payments_admission_check CHECK ((admission = ANY (ARRAY['judged'::text, 'in_review'::text]))),
  constraint payments_amount_authorized_minor_check CHECK ((amount_authorized_minor >= 0)),
  constraint payments_amount_disputed_minor_check CHECK ((amount_disputed_minor >= 0)),
  constraint payments_amount_minor_check CHECK ((amount_minor > 0)),
  constraint payments_capture_check CHECK ((capture = ANY (ARRAY['automatic'::text, 'manual'::text, 'manual_multiple'::text]))),
  constraint payments_captured_within_authorized CHECK (((amount_captured_minor >= 0) AND (amount_captured_minor <= amount_authorized_minor))),
  constraint payments_direct_has_verdict CHECK (((ledger_command_id IS NULL) OR ((status = 'processing'::text) = (verdict_event_id IS NULL)))),
  constraint payments_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
  constraint payments_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint payments_refunded_within_captured CHECK (((amount_refunded_minor >= 0) AND (amount_refunding_minor >= 0) AND ((amount_refunded_minor + amount_refunding_minor) <= amount_captured_minor))),
  constraint payments_status_check CHECK ((status = ANY (ARRAY['requires_action'::text, 'processing'::text, 'authorized'::text, 'partially_captured'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text, 'expired'::text]))),
  constraint payments_version_check CHECK ((version >= 0))
);

create table policy_definitions (
  tenant_id uuid not null,
  livemode boolean not null,
  command_id uuid not null,
  kind text not null,
  subject_id uuid not null,
  version bigint,
  reason text,
  terms json,
  actor text not null,
  defined_at timestamp with time zone not null,
  xact_id xid8 not null default pg_current_xact_id(),
  constraint policy_definitions_kind_check CHECK ((kind = ANY (ARRAY['limit'::text, 'risk_rule'::text]))),
  constraint policy_definitions_pkey PRIMARY KEY (tenant_id, livemode, command_id),
  constraint policy_definitions_refused_has_reason CHECK (((version IS NULL) = (reason IS NOT NULL)))
);

create table positions (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  epoch bigint not null,
  next_offset bigint not null,
  last_event_id text,
  idle_claims integer not null default 0,
  stopped_reason text,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint positions_next_offset_check CHECK ((next_offset >= 0)),
  constraint positions_pkey PRIMARY KEY (consumer_group, topic, partition)
);

create table provider_evidence (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  attempt_id uuid,
  connector text not null,
  source text not null,
  outcome text not null,
  code text,
  provider_reference text,
  content json not null,
  believed boolean not null,
  received_at timestamp with time zone not null default clock_timestamp(),
  constraint provider_evidence_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint provider_evidence_source_check CHECK ((source = ANY (ARRAY['answer'::text, 'inquiry'::text, 'webhook'::text, 'operator'::text])))
);

create table received_tallies (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  day date not null,
  messages bigint not null,
  id_sum bigint not null,
  constraint received_tallies_pkey PRIMARY KEY (consumer_group, topic, partition, day)
);

create table reviews (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null default 'open'::text,
  rule_id uuid not null,
  reason text not null,
  opened_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  confirm boolean not null default true,
  swept_at timestamp with time zone,
  decided_at timestamp with time zone,
  decided_by text,
  decision_reason text,
  decision_id uuid,
  version bigint not null default 1,
  xact_id xid8 not null default pg_current_xact_id(),
  constraint reviews_decided_by_message CHECK (((status = 'open'::text) = (decision_id IS NULL))),
  constraint reviews_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint reviews_status_check CHECK ((status = ANY (ARRAY['open'::text, 'approved'::text, 'denied'::text, 'expired'::text])))
);

create table risk_rules (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null,
  priority integer not null,
  verdict text not null,
  reason text not null,
  conditions json not null,
  enabled boolean not null,
  defined_at timestamp with time zone not null,
  deleted_at timestamp with time zone,
  counts_from bigint not null default 1,
  constraint risk_rules_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint risk_rules_priority_check CHECK ((priority >= 0)),
  constraint risk_rules_verdict_check CHECK ((verdict = ANY (ARRAY['deny'::text, 'review'::text, 'allow'::text]))),
  constraint risk_rules_version_check CHECK ((version > 0))
);

create table routes (
  id uuid not null,
  tenant_id uuid,
  livemode boolean not null,
  name text not null,
  priority integer not null,
  match json not null,
  targets json not null,
  prefer text not null,
  window_min integer not null,
  exploration_percent integer not null,
  actor text not null,
  updated_at timestamp with time zone not null default clock_timestamp(),
  constraint routes_exploration_percent_check CHECK (((exploration_percent >= 0) AND (exploration_percent <= 50))),
  constraint routes_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
  constraint routes_pkey PRIMARY KEY (id),
  constraint routes_prefer_check CHECK ((prefer = ANY (ARRAY['weight'::text, 'cost'::text, 'success_rate'::text]))),
  constraint routes_priority_check CHECK (((priority >= 0) AND (priority <= 10000))),
  constraint routes_tenant_id_livemode_name_key UNIQUE NULLS NOT DISTINCT (tenant_id, livemode, name),
  constraint routes_window_min_check CHECK (((window_min >= 1) AND (window_min <= 60)))
);

create table schema_migrations (
  id integer not null default nextval('schema_migrations_id_seq'::regclass),
  timestamp bigint not null,
  name character varying not null,
  constraint PK_62441bec32630ced9e4cccae336 PRIMARY KEY (id)
);

create table sent_horizon (
  only_row boolean not null default true,
  horizon xid8 not null,
  seen_until timestamp with time zone not null,
  constraint sent_horizon_only_row_check CHECK (only_row),
  constraint sent_horizon_pkey PRIMARY KEY (only_row)
);

create table sent_tallies (
  topic text not null,
  day date not null,
  messages bigint not null,
  id_sum bigint not null,
  constraint sent_tallies_pkey PRIMARY KEY (topic, day)
);

create table suspects (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  attempts integer not null,
  first_at timestamp with time zone not null default clock_timestamp(),
  constraint suspects_pkey PRIMARY KEY (consumer_group, topic, partition, record_offset)
);

create table test_clocks (
  tenant_id uuid not null,
  ahead_ms bigint not null,
  version bigint not null,
  heard int8multirange not null,
  moved_at timestamp with time zone not null default clock_timestamp(),
  constraint test_clocks_ahead_ms_check CHECK (((ahead_ms >= 0) AND (ahead_ms <= '315532800000'::bigint))),
  constraint test_clocks_pkey PRIMARY KEY (tenant_id),
  constraint test_clocks_version_check CHECK ((version > 0))
);

create table waiting_commands (
  consumer_group text not null,
  tenant text not null,
  livemode boolean not null,
  record_key text not null,
  sequence integer not null,
  event_id uuid not null,
  record_offset bigint not null,
  message json not null,
  waiting_since timestamp with time zone not null default clock_timestamp(),
  discarded boolean not null default false,
  constraint waiting_commands_pkey PRIMARY KEY (consumer_group, tenant, livemode, record_key, sequence)
);

CREATE INDEX attempts_attention ON public.attempts USING btree (updated_at) WHERE (needs_attention = true);

CREATE INDEX attempts_attention_by_owner ON public.attempts USING btree (tenant_id, livemode, created_at, id) WHERE (needs_attention = true);

CREATE UNIQUE INDEX attempts_of_operation ON public.attempts USING btree (operation_id, tenant_id, livemode, action, number);

CREATE INDEX attempts_open ON public.attempts USING btree (updated_at) WHERE ((status = ANY (ARRAY['created'::text, 'sending'::text, 'unknown'::text])) AND (NOT needs_attention));

CREATE INDEX attempts_open_by_payment ON public.attempts USING btree (tenant_id, livemode, payment_id) WHERE (status = ANY (ARRAY['created'::text, 'sending'::text, 'unknown'::text, 'requires_action'::text]));

CREATE INDEX attempts_routed_by_owner ON public.attempts USING btree (tenant_id, livemode, created_at) WHERE (action = ANY (ARRAY['authorize'::text, 'sale'::text]));

CREATE UNIQUE INDEX dead_letters_once ON public.dead_letters USING btree (consumer_group, topic, partition, record_offset, COALESCE(event_id, ''::text), md5(COALESCE(record_value, '\x'::bytea)));

CREATE INDEX dead_letters_replaying ON public.dead_letters USING btree (consumer_group, partition, arrival) WHERE (state = 'replaying'::text);

CREATE UNIQUE INDEX dispute_legs_once ON public.dispute_legs USING btree (tenant_id, livemode, dispute_id, direction) WHERE (status <> 'refused'::text);

CREATE INDEX dispute_transitions_by_time ON public.dispute_transitions USING brin (at);

CREATE INDEX disputes_by_payment ON public.disputes USING btree (tenant_id, livemode, payment_id);

CREATE INDEX disputes_to_ask_about ON public.disputes USING btree (asked_at) WHERE (status = ANY (ARRAY['needs_response'::text, 'under_review'::text]));

CREATE INDEX disputes_unsettled ON public.disputes USING btree (swept_at) WHERE (leg = ANY (ARRAY['taking'::text, 'refused'::text, 'returning'::text, 'return_refused'::text]));

CREATE INDEX ledger_steps_asked ON public.ledger_steps USING btree (updated_at) WHERE (status = 'asked'::text);

CREATE INDEX ledger_steps_by_payment ON public.ledger_steps USING btree (payment_id, tenant_id, livemode);

CREATE UNIQUE INDEX ledger_steps_divided_once ON public.ledger_steps USING btree (tenant_id, livemode, operation_id) WHERE ((command_type = 'payflow.group.post.v1'::text) AND (status = 'done'::text));

CREATE INDEX ledger_steps_undivided ON public.ledger_steps USING btree (updated_at) WHERE ((command_type = 'payflow.group.post.v1'::text) AND (status = 'refused'::text));

CREATE INDEX limit_reservations_by_window ON public.limit_reservations USING btree (tenant_id, livemode, limit_id, subject, window_start, at) WHERE (status <> 'released'::text);

CREATE INDEX outbox_in_order ON ONLY public.outbox USING btree (created_at, id) WHERE (published_at IS NULL);

CREATE INDEX parked_messages_in_order ON public.parked_messages USING btree (consumer_group, tenant, record_key, arrival);

CREATE INDEX payment_operations_by_change ON public.payment_operations USING btree (updated_at);

CREATE UNIQUE INDEX payment_operations_numbered ON public.payment_operations USING btree (payment_id, tenant_id, livemode, number);

CREATE INDEX payment_operations_open ON public.payment_operations USING btree (updated_at) WHERE (status <> ALL (ARRAY['succeeded'::text, 'failed'::text]));

CREATE INDEX payments_authorized_until ON public.payments USING btree (authorized_until) WHERE (status = ANY (ARRAY['authorized'::text, 'partially_captured'::text]));

CREATE INDEX payments_by_change ON public.payments USING btree (updated_at);

CREATE INDEX payments_of_test_authorized_until ON public.payments USING btree (tenant_id, authorized_until) WHERE ((status = ANY (ARRAY['authorized'::text, 'partially_captured'::text])) AND (NOT livemode));

CREATE INDEX payments_of_test_to_act_on ON public.payments USING btree (tenant_id, expires_at) WHERE ((status = 'requires_action'::text) AND (NOT livemode));

CREATE INDEX payments_to_be_acted_on ON public.payments USING btree (expires_at) WHERE (status = 'requires_action'::text);

CREATE INDEX payments_waiting ON public.payments USING btree (updated_at) WHERE (status = 'processing'::text);

CREATE INDEX provider_evidence_by_attempt ON public.provider_evidence USING btree (attempt_id, received_at) WHERE (attempt_id IS NOT NULL);

CREATE INDEX reviews_open ON public.reviews USING btree (opened_at) WHERE (status = 'open'::text);

CREATE INDEX reviews_open_by_end ON public.reviews USING btree (expires_at) WHERE (status = 'open'::text);

CREATE OR REPLACE FUNCTION public.attach_partition(parent text, part text, since timestamp with time zone, until timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, since, until);
end $function$
;

CREATE OR REPLACE FUNCTION public.ensure_partitions(ahead integer)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '5s'
AS $function$
  select ensure_partitions_at(now(), ahead)
$function$
;

CREATE OR REPLACE FUNCTION public.ensure_partitions_at(at timestamp with time zone, ahead integer)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  due record;
  made integer := 0;
begin
  loop
    select * into due from partitions_due_at(at, ahead) d where d.action in ('make', 'attach') limit 1;
    exit when not found;
    perform partition_step_at(at, ahead, due.action, due.part);
    if due.action = 'attach' then made := made + 1; end if;
  end loop;
  return made;
end $function$
;

CREATE OR REPLACE FUNCTION public.guard_history(history regclass, handler regproc)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  part regclass;
begin
  execute format('create trigger %I before truncate on %s for each statement execute function %s()',
    history::text || '_never_truncated', history, handler);
  for part in select inhrelid::regclass from pg_inherits where inhparent = history loop
    perform guard_partition(history, part);
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION public.guard_partition(history regclass, part regclass)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  guard record;
begin
  for guard in
    select tgname as name, tgfoid::regproc as handler from pg_trigger where tgrelid = history and not tgisinternal and tgtype & 32 <> 0
  loop
    execute format('create trigger %I before truncate on %s for each statement execute function %s()', guard.name, part, guard.handler);
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION public.holds_card_number(content text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select content ~ '[0-9]{4}[ -]?[0-9]{4}' and exists (
    select from regexp_matches(
      regexp_replace(content,
        '"(amount(_[a-z]+)?|[a-z_]+_amount|(posted|pending)_(debits|credits)|balance_[gl]te|fixed|overdraft_limit|numerator|denominator)" ?: ?"-?[0-9]+"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', '', 'g'),
      '(?<![0-9A-Za-z_.+-])([0-9]{13,19}|[0-9]{4}[ -][0-9]{4}[ -][0-9]{4}[ -][0-9]{4}|3[47][0-9]{2}[ -][0-9]{6}[ -][0-9]{5})(?![0-9A-Za-z_.-])', 'g') as found,
      lateral (select translate(found[1], ' -', '') as digits) as candidate
    where digits ~ '^(4|5[1-5]|2[2-7]|3[4-9]|30[0-5]|6[0-9])' and luhn(digits))
$function$
;

CREATE OR REPLACE FUNCTION public.is_partition_needed(part text, kept_while text)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  needed boolean := false;
begin
  if kept_while is not null then
    execute format('select exists (select from %I where %s)', part, kept_while) into needed;
  end if;
  return needed;
end $function$
;

CREATE OR REPLACE FUNCTION public.luhn(digits text)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select sum(case when (length(digits) - at) % 2 = 1 then digit * 2 / 10 + digit * 2 % 10 else digit end) % 10 = 0
  from generate_series(1, length(digits)) as at, lateral (select substr(digits, at, 1)::integer as digit) as one
$function$
;

CREATE OR REPLACE FUNCTION public.make_partition(parent text, part text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  execute format('create table %I (like %I including all excluding identity)', part, parent);
  perform guard_partition(parent::regclass, part::regclass);
end $function$
;

CREATE OR REPLACE FUNCTION public.partition_gap(parent text, since timestamp with time zone, until timestamp with time zone, OUT gap_from timestamp with time zone, OUT gap_to timestamp with time zone)
 RETURNS record
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  part record;
begin
  gap_from := since;
  gap_to := until;
  for part in select * from partitions_of(parent) p where not p.is_detaching and p.upper_bound > since and p.lower_bound < until loop
    if part.lower_bound > gap_from then
      gap_to := part.lower_bound;
      return;
    end if;
    gap_from := part.upper_bound;
  end loop;
  if gap_from >= gap_to then
    gap_from := null;
    gap_to := null;
  end if;
end $function$
;

CREATE OR REPLACE FUNCTION public.partition_step(ahead integer, wanted text, of text)
 RETURNS boolean
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET lock_timeout TO '500ms'
AS $function$
  select partition_step_at(now(), ahead, wanted, of)
$function$
;

CREATE OR REPLACE FUNCTION public.partition_step_at(at timestamp with time zone, ahead integer, wanted text, of text)
 RETURNS boolean
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  due record;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  select * into due from partitions_due_at(at, ahead) d where d.action = wanted and d.part = of limit 1;
  if not found then return false; end if;
  case due.action
    when 'make' then
      perform make_partition(due.parent, due.part);
    when 'attach' then
      perform attach_partition(due.parent, due.part, due.lower_bound, due.upper_bound);
    when 'finalize' then
      execute format('alter table %I detach partition %I finalize', due.parent, due.part);
    when 'detach' then
      -- As writers lock them; and looked at once more when nobody can write any longer.
      execute format('lock table only %I, only %I in access exclusive mode', due.parent, due.part);
      if not exists (select from partitions_due_at(at, ahead) d where d.action = wanted and d.part = of) then return false; end if;
      execute format('alter table %I detach partition %I', due.parent, due.part);
    when 'drop' then
      execute format('drop table %I', due.part);
  end case;
  return true;
end $function$
;

CREATE OR REPLACE FUNCTION public.partitions_ahead()
 RETURNS TABLE(table_name text, partitions integer)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  kind record;
  slot timestamptz;
begin
  for kind in select m.* from maintained_partitions m order by m.table_name loop
    table_name := kind.table_name;
    partitions := -1;
    loop
      slot := date_trunc(case when kind.step = '1 day' then 'day' else 'month' end, now()) + (partitions + 1) * kind.step;
      exit when exists (select from partition_gap(kind.table_name, slot, slot + kind.step) g where g.gap_from is not null);
      partitions := partitions + 1;
    end loop;
    return next;
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION public.partitions_due(ahead integer)
 RETURNS TABLE(action text, parent text, part text, lower_bound timestamp with time zone, upper_bound timestamp with time zone)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
AS $function$ select * from partitions_due_at(now(), ahead) $function$
;

CREATE OR REPLACE FUNCTION public.partitions_due_at(at timestamp with time zone, ahead integer)
 RETURNS TABLE(action text, parent text, part text, lower_bound timestamp with time zone, upper_bound timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
declare
  kind record;
  slot timestamptz;
  old record;
begin
  for kind in
    select m.*, case when m.step = '1 day' then 'day' else 'month' end as unit,
      case when m.step = '1 day' then 'YYYYMMDD' else 'YYYYMM' end as form
    from maintained_partitions m order by m.table_name
  loop
    parent := kind.table_name;
    for old in select p.* from partitions_of(parent) p where p.is_detaching loop
      action := 'finalize';
      part := old.name;
      return next;
    end loop;
    for i in -1 .. ahead loop
      slot := date_trunc(kind.unit, at) + i * kind.step;
      select g.gap_from, g.gap_to into lower_bound, upper_bound from partition_gap(parent, slot, slot + kind.step) g;
      continue when lower_bound is null;
      part := parent || '_' || to_char(slot, kind.form);
      -- A partition by this name may have been made with other bounds, by a session in another zone.
      if exists (select from partitions_of(parent) p where p.name = part) then part := parent || '_rest_' || to_char(slot, kind.form); end if;
      action := case when to_regclass(quote_ident(part)) is null then 'make' else 'attach' end;
      return next;
    end loop;
    continue when kind.kept is null;
    for old in select p.* from partitions_of(parent) p where p.upper_bound <= at - kind.kept and not p.is_detaching loop
      continue when is_partition_needed(old.name, kind.kept_while);
      action := 'detach';
      part := old.name;
      return next;
    end loop;
    for old in
      select c.relname as name, to_date(dated[2], kind.form)::timestamptz as lower_bound,
        to_date(dated[2], kind.form)::timestamptz + kind.step as upper_bound
      from pg_class c join pg_class p on p.oid = to_regclass(quote_ident(parent)) and p.relowner = c.relowner and p.relnamespace = c.relnamespace,
        regexp_match(c.relname, '^' || parent || '_(rest_)?(\d{' || length(kind.form) || '})$') as dated
      where c.relkind = 'r' and not c.relispartition and dated is not null
    loop
      continue when old.upper_bound > at - kind.kept;
      action := case when is_partition_needed(old.name, kind.kept_while) then 'attach' else 'drop' end;
      part := old.name;
      lower_bound := old.lower_bound;
      upper_bound := old.upper_bound;
      return next;
    end loop;
  end loop;
end $function$
;

CREATE OR REPLACE FUNCTION public.partitions_of(parent text)
 RETURNS TABLE(name text, lower_bound timestamp with time zone, upper_bound timestamp with time zone, is_detaching boolean)
 LANGUAGE sql
 STABLE
 SET search_path TO 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
  select relname, coalesce(bounds[2]::timestamptz, '-infinity'), coalesce(bounds[4]::timestamptz, 'infinity'), inhdetachpending
  from pg_inherits join pg_class c on c.oid = inhrelid,
    regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \((MINVALUE|''([^'']*)'')\) TO \((MAXVALUE|''([^'']*)'')\)') as bounds
  where inhparent = to_regclass(quote_ident($1)) order by 2
$function$
;

CREATE OR REPLACE FUNCTION public.secret_kind(content text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select case
    when content ~ '\msk_(live|test)_[0-9A-Za-z_-]{16,}' then 'api_key'
    when content ~* '"(password|passwd|client_secret|secret_key|cvv2?|cvc2?)" ?: ?"[^"]' then 'password'
    when content ~ 'eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.|Bearer [0-9A-Za-z._-]{16,}' then 'token'
    when holds_card_number(content) then 'card_number'
  end
$function$
;

CREATE OR REPLACE FUNCTION public.typeid_uuid(id text)
 RETURNS uuid
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
declare
  digits bytea;
  value constant bytea := '\x000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000102030405060708090000000000000000000000000000000000000000000000000000000000000000000000000000000a0b0c0d0e0f101100121300141500161718191a001b1c1d1e1f0000000000';
begin
  if id !~ '^[a-z]{1,8}_[0-7][0-9a-hjkmnp-tv-z]{25}$' then return null; end if;
  digits := right(id, 26)::bytea;
  return (lpad(to_hex((get_byte(value, get_byte(digits, 0))::bigint << 61) | (get_byte(value, get_byte(digits, 1))::bigint << 56) | (get_byte(value, get_byte(digits, 2))::bigint << 51) | (get_byte(value, get_byte(digits, 3))::bigint << 46) | (get_byte(value, get_byte(digits, 4))::bigint << 41) | (get_byte(value, get_byte(digits, 5))::bigint << 36) | (get_byte(value, get_byte(digits, 6))::bigint << 31) | (get_byte(value, get_byte(digits, 7))::bigint << 26) | (get_byte(value, get_byte(digits, 8))::bigint << 21) | (get_byte(value, get_byte(digits, 9))::bigint << 16) | (get_byte(value, get_byte(digits, 10))::bigint << 11) | (get_byte(value, get_byte(digits, 11))::bigint << 6) | (get_byte(value, get_byte(digits, 12))::bigint << 1) | (get_byte(value, get_byte(digits, 13))::bigint >> 4)), 16, '0')
    || lpad(to_hex(((get_byte(value, get_byte(digits, 13))::bigint & 15) << 60) | (get_byte(value, get_byte(digits, 14))::bigint << 55) | (get_byte(value, get_byte(digits, 15))::bigint << 50) | (get_byte(value, get_byte(digits, 16))::bigint << 45) | (get_byte(value, get_byte(digits, 17))::bigint << 40) | (get_byte(value, get_byte(digits, 18))::bigint << 35) | (get_byte(value, get_byte(digits, 19))::bigint << 30) | (get_byte(value, get_byte(digits, 20))::bigint << 25) | (get_byte(value, get_byte(digits, 21))::bigint << 20) | (get_byte(value, get_byte(digits, 22))::bigint << 15) | (get_byte(value, get_byte(digits, 23))::bigint << 10) | (get_byte(value, get_byte(digits, 24))::bigint << 5) | (get_byte(value, get_byte(digits, 25))::bigint << 0)), 16, '0'))::uuid;
end $function$
;

CREATE OR REPLACE FUNCTION public.uuid_floor(of timestamp with time zone)
 RETURNS uuid
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select (lpad(to_hex(greatest(extract(epoch from greatest(of, '1970-01-01 00:00:00+00')) * 1000, 0)::bigint), 12, '0') || '70008000000000000000')::uuid
$function$
;

CREATE OR REPLACE FUNCTION public.uuid_tail(of uuid)
 RETURNS bigint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select ('x' || right(of::text, 12))::bit(48)::bigint
$function$
;

CREATE OR REPLACE FUNCTION public.uuid_time(of uuid)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select to_timestamp(('x' || left(of::text, 8) || substr(of::text, 10, 4))::bit(48)::bigint / 1000.0)
$function$
;

grant select on archived_tallies to reader;
grant select on archived_tallies to service;
grant select on attempt_log_began to reader;
grant select on attempt_log_began to service;
grant select on attempt_transitions to reader;
grant insert, select on attempt_transitions to service;
grant select on attempts to reader;
grant insert, select on attempts to service;
grant update (status, connector, routing, provider_reference, code, url, sent_at, inquiries, needs_attention, version, updated_at, xact_id, unknown_at) on attempts to service;
grant select on command_sequences to reader;
grant insert, select on command_sequences to service;
grant update (used) on command_sequences to service;
grant select on dead_letters to reader;
grant delete, insert, select, update on dead_letters to service;
grant select on dispute_legs to reader;
grant insert, select on dispute_legs to service;
grant update (status, reason, verdict_event_id, updated_at, xact_id) on dispute_legs to service;
grant select on dispute_transitions to reader;
grant insert, select on dispute_transitions to service;
grant select on disputes to reader;
grant insert, select on disputes to service;
grant update (status, leg, leg_try, leg_command_id, leg_transfer_id, leg_reason, evidence_due_by, evidence_submitted_at, evidence_command_id, evidence_attempt_id, transfer_id, return_transfer_id, version, updated_at, swept_at, xact_id, asked_at) on disputes to service;
grant select on inbox to reader;
grant delete, insert, select on inbox to service;
grant select on job_decisions to reader;
grant insert, select on job_decisions to service;
grant select on job_progress to reader;
grant delete, insert, select on job_progress to service;
grant update (percent, updated_at) on job_progress to service;
grant select on job_workers to reader;
grant delete, insert, select on job_workers to service;
grant update (seen_at) on job_workers to service;
grant select on ledger_steps to reader;
grant insert, select on ledger_steps to service;
grant update (status, reason, verdict_event_id, updated_at, xact_id, hold_left_minor, accounts) on ledger_steps to service;
grant select on limit_reservations to reader;
grant insert, select on limit_reservations to service;
grant update (amount_minor, used_minor, status, updated_at, xact_id) on limit_reservations to service;
grant select on limit_uses to reader;
grant insert, select on limit_uses to service;
grant update (reserved_minor, used_minor, allowed_minor, updated_at) on limit_uses to service;
grant select on limits to reader;
grant insert, select, update on limits to service;
grant select on maintained_partitions to reader;
grant select on maintained_partitions to service;
grant select on operator_decisions to reader;
grant insert, select on operator_decisions to service;
grant select on outbox to reader;
grant insert, select on outbox to service;
grant update (claimed_until, published_at) on outbox to service;
grant select on parked_messages to reader;
grant delete, insert, select on parked_messages to service;
grant select on parked_subjects to reader;
grant delete, insert, select, update on parked_subjects to service;
grant select on partition_lease to reader;
grant select on partition_lease to service;
grant update (holder, held_until) on partition_lease to service;
grant select on payment_operations to reader;
grant insert, select on payment_operations to service;
grant update (status, amount_minor, failure_code, version, updated_at, xact_id, answer_event_id, needs_attention) on payment_operations to service;
grant select on payment_policies to reader;
grant insert, select on payment_policies to service;
grant update (version, active) on payment_policies to service;
grant select on payment_retries to reader;
grant insert, select on payment_retries to service;
grant update (retry_id) on payment_retries to service;
grant select on payment_transitions to reader;
grant insert, select on payment_transitions to service;
grant select on payments to reader;
grant insert, select on payments to service;
grant update (status, version, failure_code, ledger_command_id, verdict_event_id, updated_at, xact_id, capture, amount_authorized_minor, amount_captured_minor, amount_refunded_minor, amount_refunding_minor, next_action, authorized_until, operation_id, connector, provider_reference, swept_at, admission, failure_reason, amount_disputed_minor) on payments to service;
grant select on policy_definitions to reader;
grant insert, select on policy_definitions to service;
grant select on positions to reader;
grant insert, select, update on positions to service;
grant select on provider_evidence to reader;
grant insert, select on provider_evidence to service;
grant select on received_tallies to reader;
grant delete, insert, select, update on received_tallies to service;
grant select on reviews to reader;
grant insert, select on reviews to service;
grant update (status, swept_at, decided_at, decided_by, decision_reason, decision_id, version, xact_id) on reviews to service;
grant select on risk_rules to reader;
grant insert, select, update on risk_rules to service;
grant select on routes to reader;
grant select on routes to service;
grant select on schema_migrations to reader;
grant select on schema_migrations to service;
grant select on sent_horizon to reader;
grant select on sent_horizon to service;
grant update (horizon, seen_until) on sent_horizon to service;
grant select on sent_tallies to reader;
grant delete, insert, select on sent_tallies to service;
grant update (messages, id_sum) on sent_tallies to service;
grant select on suspects to reader;
grant delete, insert, select on suspects to service;
grant update (attempts) on suspects to service;
grant select on test_clocks to reader;
grant insert, select on test_clocks to service;
grant update (ahead_ms, version, heard, moved_at) on test_clocks to service;
grant select on waiting_commands to reader;
grant delete, insert, select on waiting_commands to service;

grant execute on function attach_partition(text,text,timestamp with time zone,timestamp with time zone) to reader, service;
grant execute on function ensure_partitions(integer) to service;
grant execute on function ensure_partitions_at(timestamp with time zone,integer) to reader, service;
grant execute on function guard_history(regclass,regproc) to reader, service;
grant execute on function guard_partition(regclass,regclass) to reader, service;
grant execute on function holds_card_number(text) to reader, service;
grant execute on function is_partition_needed(text,text) to reader, service;
grant execute on function luhn(text) to reader, service;
grant execute on function make_partition(text,text) to reader, service;
grant execute on function partition_gap(text,timestamp with time zone,timestamp with time zone) to reader, service;
grant execute on function partition_step(integer,text,text) to service;
grant execute on function partition_step_at(timestamp with time zone,integer,text,text) to reader, service;
grant execute on function partitions_ahead() to reader, service;
grant execute on function partitions_due(integer) to service;
grant execute on function partitions_due_at(timestamp with time zone,integer) to reader, service;
grant execute on function partitions_of(text) to reader, service;
grant execute on function secret_kind(text) to reader, service;
grant execute on function typeid_uuid(text) to reader, service;
grant execute on function uuid_floor(timestamp with time zone) to reader, service;
grant execute on function uuid_tail(uuid) to reader, service;
grant execute on function uuid_time(uuid) to reader, service;
