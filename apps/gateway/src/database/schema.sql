create table access_blocks (
  id uuid not null,
  kind text not null,
  subject text not null,
  suspicion text not null,
  tried_count integer not null,
  level integer not null,
  blocked_at timestamp with time zone not null default statement_timestamp(),
  blocked_until timestamp with time zone not null,
  lift_wished_by text,
  lift_reason text,
  lifted_at timestamp with time zone,
  event_id uuid not null,
  lift_event_id uuid,
  xact_id xid8 not null default pg_current_xact_id(),
  tenant_id uuid not null default '00000000-0000-0000-0000-000000000000'::uuid,
  livemode boolean,
  constraint access_blocks_check CHECK ((blocked_until > blocked_at)),
  constraint access_blocks_check1 CHECK (((lift_wished_by IS NULL) = (lift_reason IS NULL))),
  constraint access_blocks_check2 CHECK (((lifted_at IS NULL) OR (lift_wished_by IS NOT NULL))),
  constraint access_blocks_check3 CHECK (((lifted_at IS NULL) = (lift_event_id IS NULL))),
  constraint access_blocks_kind_check CHECK ((kind = ANY (ARRAY['address'::text, 'credential'::text]))),
  constraint access_blocks_level_check CHECK ((level > 0)),
  constraint access_blocks_pkey PRIMARY KEY (id),
  constraint access_blocks_tried_count_check CHECK ((tried_count > 0))
);

create table account_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null,
  path text,
  asset text not null,
  overdraft text not null,
  posted_debits_minor bigint not null default 0,
  posted_credits_minor bigint not null default 0,
  pending_debits_minor bigint not null default 0,
  pending_credits_minor bigint not null default 0,
  metadata json not null,
  version bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  kind text not null default 'liability'::text,
  overdraft_limit_minor bigint not null default 0,
  terms_version bigint not null default 0,
  constraint account_views_kind_check CHECK ((kind = ANY (ARRAY['asset'::text, 'liability'::text, 'equity'::text, 'income'::text, 'expense'::text]))),
  constraint account_views_overdraft_check CHECK ((overdraft = ANY (ARRAY['none'::text, 'limited'::text, 'unbounded'::text]))),
  constraint account_views_overdraft_limit_minor_check CHECK ((overdraft_limit_minor >= 0)),
  constraint account_views_pending_credits_minor_check CHECK ((pending_credits_minor >= 0)),
  constraint account_views_pending_debits_minor_check CHECK ((pending_debits_minor >= 0)),
  constraint account_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint account_views_posted_credits_minor_check CHECK ((posted_credits_minor >= 0)),
  constraint account_views_posted_debits_minor_check CHECK ((posted_debits_minor >= 0)),
  constraint account_views_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'open'::text, 'debits_frozen'::text, 'frozen'::text, 'closed'::text]))),
  constraint account_views_terms_version_check CHECK ((terms_version >= 0)),
  constraint account_views_version_check CHECK ((version >= 0))
);

create table api_key_networks (
  tenant_id uuid not null,
  livemode boolean not null,
  api_key_id uuid not null,
  network cidr not null,
  first_address inet not null,
  first_seen_at timestamp with time zone not null default statement_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint api_key_networks_pkey PRIMARY KEY (tenant_id, livemode, api_key_id, network),
  constraint api_key_networks_tenant_id_livemode_api_key_id_fkey FOREIGN KEY (tenant_id, livemode, api_key_id) REFERENCES api_keys(tenant_id, livemode, id)
);

create table api_key_uses (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  last_used_at timestamp with time zone not null,
  request_count bigint not null,
  constraint api_key_uses_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint api_key_uses_request_count_check CHECK ((request_count > 0)),
  constraint api_key_uses_tenant_id_livemode_id_fkey FOREIGN KEY (tenant_id, livemode, id) REFERENCES api_keys(tenant_id, livemode, id)
);

create table api_keys (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  key_hash bytea not null,
  name text not null,
  scopes text[] not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  revoked_at timestamp with time zone,
  allowed_addresses text[] not null default '{}'::text[],
  expires_at timestamp with time zone,
  replaces_id uuid,
  created_by text,
  version bigint not null default 1,
  api_version text not null default '2026-11-20'::text,
  constraint api_keys_api_version_check CHECK ((api_version ~ '^\d{4}-\d\d-\d\d$'::text)),
  constraint api_keys_key_hash_check CHECK ((octet_length(key_hash) = 32)),
  constraint api_keys_key_hash_key UNIQUE (key_hash),
  constraint api_keys_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint api_keys_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table archived_tallies (
  topic text not null,
  type text not null,
  day date not null,
  slot smallint not null,
  messages bigint not null,
  id_sum bigint not null,
  constraint archived_tallies_pkey PRIMARY KEY (topic, type, day, slot)
);

create table audit_log (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  created_at timestamp with time zone not null,
  actor text not null,
  actor_kind text not null,
  operation text not null,
  resource text,
  before json not null,
  after json not null,
  address text not null,
  request_id text not null,
  trace_id text,
  constraint audit_log_actor_kind_check CHECK ((actor_kind = ANY (ARRAY['key'::text, 'user'::text]))),
  constraint audit_log_pkey PRIMARY KEY (tenant_id, livemode, id, created_at)
) partition by RANGE (created_at);

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

create table dispute_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  connector text not null,
  provider_reference text not null,
  status text not null,
  leg text not null,
  leg_reason text,
  amount_minor bigint not null,
  amount_disputed_minor bigint not null,
  asset text not null,
  reason text,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  evidence_due_by timestamp with time zone,
  evidence_submitted_at timestamp with time zone,
  transfer_id uuid,
  return_transfer_id uuid,
  trace_id text,
  version bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint dispute_views_amount_disputed_minor_check CHECK ((amount_disputed_minor >= 0)),
  constraint dispute_views_amount_minor_check CHECK ((amount_minor > 0)),
  constraint dispute_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint dispute_views_status_check CHECK ((status = ANY (ARRAY['needs_response'::text, 'under_review'::text, 'won'::text, 'lost'::text])))
);

create table hold_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null,
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null,
  posted_minor bigint not null default 0,
  asset text not null,
  expires_at timestamp with time zone,
  payment_id uuid,
  transfer_id uuid,
  failure_code text,
  trace_id text,
  version bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  type text,
  constraint hold_views_amount_minor_check CHECK ((amount_minor > 0)),
  constraint hold_views_check CHECK (((posted_minor >= 0) AND (posted_minor <= amount_minor))),
  constraint hold_views_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
  constraint hold_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint hold_views_status_check CHECK ((status = ANY (ARRAY['requested'::text, 'pending'::text, 'posted'::text, 'voided'::text, 'expired'::text, 'failed'::text]))),
  constraint hold_views_version_check CHECK ((version >= 0))
);

create table idempotency_records (
  tenant_id uuid not null,
  livemode boolean not null,
  idempotency_key text not null,
  fingerprint bytea not null,
  resource_kind text not null,
  resource_id uuid not null,
  api_version text not null,
  created_at timestamp with time zone not null,
  reply_status smallint,
  reply_headers json,
  reply_body text,
  xact_id xid8 not null default pg_current_xact_id(),
  content_hash bytea,
  copy_of text,
  constraint idempotency_records_content_hash_check CHECK (((content_hash IS NULL) OR ((octet_length(content_hash) = 32) AND (copy_of IS NULL)))) NOT VALID,
  constraint idempotency_records_fingerprint_check CHECK ((octet_length(fingerprint) = 32)),
  constraint idempotency_records_pkey PRIMARY KEY (tenant_id, livemode, idempotency_key),
  constraint idempotency_records_reply_is_whole CHECK ((((reply_status IS NULL) = (reply_body IS NULL)) AND ((reply_status IS NULL) = (reply_headers IS NULL)))),
  constraint idempotency_records_resource_kind_check CHECK ((resource_kind = ANY (ARRAY['payment'::text, 'account'::text, 'transfer'::text, 'group'::text, 'hold'::text, 'change'::text, 'bulk'::text, 'payment_bulk'::text, 'confirmation'::text, 'increment'::text, 'capture'::text, 'cancellation'::text, 'refund'::text, 'own'::text]))) NOT VALID
);

create table inbox (
  consumer_group text not null,
  event_id uuid not null,
  content_hash bigint not null,
  xact_id xid8 not null default pg_current_xact_id(),
  constraint inbox_pkey PRIMARY KEY (consumer_group, event_id)
);

create table installation (
  only_row boolean not null default true,
  tenant_id uuid not null,
  made_at timestamp with time zone not null default clock_timestamp(),
  constraint installation_only_row_check CHECK (only_row),
  constraint installation_pkey PRIMARY KEY (only_row),
  constraint installation_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table limit_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null,
  label text not null,
  content json not null,
  created_at timestamp with time zone not null,
  constraint limit_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint limit_views_version_check CHECK ((version > 0))
);

create table login_failures (
  subject text not null,
  tolerated integer not null,
  failures integer not null,
  last_failed_at timestamp with time zone not null,
  blocked_until timestamp with time zone not null,
  constraint login_failures_failures_check CHECK ((failures > 0)),
  constraint login_failures_pkey PRIMARY KEY (subject),
  constraint login_failures_subject_check CHECK ((subject ~ '^[0-9a-f]{64}$'::text))
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

create table marks_began (
  consumer_group text not null,
  day date not null,
  constraint marks_began_pkey PRIMARY KEY (consumer_group)
);

create table operator_decisions (
  id bigint not null generated always as identity,
  decision text not null,
  details json not null,
  actor text not null,
  reason text not null,
  decided_at timestamp with time zone not null default clock_timestamp(),
  constraint operator_decisions_actor_check CHECK (((length(actor) >= 1) AND (length(actor) <= 255))),
  constraint operator_decisions_decision_check CHECK ((decision = ANY (ARRAY['position_moved'::text, 'republished'::text]))),
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

create table payment_operation_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  payment_id uuid not null,
  kind text not null,
  status text not null,
  amount_minor bigint,
  asset text not null,
  failure_code text,
  reason text,
  metadata json not null,
  trace_id text,
  version bigint not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  source_account_id uuid,
  destination_account_id uuid,
  constraint payment_operation_views_amount_minor_check CHECK ((amount_minor > 0)),
  constraint payment_operation_views_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
  constraint payment_operation_views_kind_check CHECK ((kind = ANY (ARRAY['confirmation'::text, 'increment'::text, 'capture'::text, 'cancellation'::text, 'refund'::text]))),
  constraint payment_operation_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint payment_operation_views_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'succeeded'::text, 'failed'::text]))),
  constraint payment_operation_views_version_check CHECK ((version >= 0))
);

create table payment_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null,
  version bigint not null,
  amount_minor bigint not null,
  amount_captured_minor bigint not null,
  amount_refunded_minor bigint not null,
  asset text not null,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  method json not null,
  reference text,
  metadata json not null,
  failure_code text,
  trace_id text,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  capture text not null default 'automatic'::text,
  amount_authorized_minor bigint,
  next_action json,
  authorized_until timestamp with time zone,
  customer_id uuid,
  retry_of_id uuid,
  sequence integer not null default 1,
  failure_reason text,
  division json,
  constraint payment_views_amount_authorized_minor_check CHECK ((amount_authorized_minor >= 0)),
  constraint payment_views_amount_minor_check CHECK ((amount_minor > 0)),
  constraint payment_views_capture_check CHECK ((capture = ANY (ARRAY['automatic'::text, 'manual'::text, 'manual_multiple'::text]))),
  constraint payment_views_captured_not_negative CHECK ((amount_captured_minor >= 0)),
  constraint payment_views_check1 CHECK (((amount_refunded_minor >= 0) AND (amount_refunded_minor <= amount_captured_minor))),
  constraint payment_views_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
  constraint payment_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint payment_views_sequence_check CHECK ((sequence > 0)),
  constraint payment_views_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'requires_action'::text, 'processing'::text, 'authorized'::text, 'partially_captured'::text, 'succeeded'::text, 'failed'::text, 'canceled'::text, 'expired'::text]))),
  constraint payment_views_version_check CHECK ((version >= 0))
);

create table pending_writes (
  tenant_id uuid not null,
  livemode boolean not null,
  resource_id uuid not null,
  resource_kind text not null,
  idempotency_key text not null,
  request_id text not null,
  accepted_at timestamp with time zone not null,
  outbox_id uuid not null,
  outbox_created_at timestamp with time zone not null,
  republished_at timestamp with time zone,
  command_id uuid,
  bulk_id uuid,
  constraint pending_writes_pkey PRIMARY KEY (tenant_id, livemode, resource_id, resource_kind),
  constraint pending_writes_resource_kind_check CHECK ((resource_kind = ANY (ARRAY['payment'::text, 'account'::text, 'transfer'::text, 'group'::text, 'hold'::text, 'change'::text, 'confirmation'::text, 'increment'::text, 'capture'::text, 'cancellation'::text, 'refund'::text])))
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

create table provider_webhooks (
  connector text not null,
  webhook_id text not null,
  tenant_id uuid not null,
  livemode boolean not null,
  payment_id uuid not null,
  event_id uuid not null,
  received_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint provider_webhooks_pkey PRIMARY KEY (connector, webhook_id)
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

create table request_log (
  tenant_id uuid not null,
  livemode boolean not null,
  created_at timestamp with time zone not null,
  id uuid not null,
  method text not null,
  route text,
  status smallint,
  duration_us integer not null,
  request_bytes bigint,
  response_bytes bigint,
  actor text,
  address inet,
  request_id text not null,
  trace_id text,
  code text,
  constraint request_log_pkey PRIMARY KEY (tenant_id, livemode, created_at, id)
) partition by RANGE (created_at);

create table retired_test_spaces (
  space_id uuid not null,
  tenant_id uuid not null,
  retired_at timestamp with time zone not null default clock_timestamp(),
  swept_at timestamp with time zone,
  constraint retired_test_spaces_pkey PRIMARY KEY (space_id),
  constraint retired_test_spaces_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id)
);

create table review_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null,
  label text not null,
  content json not null,
  created_at timestamp with time zone not null,
  constraint review_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint review_views_version_check CHECK ((version > 0))
);

create table risk_rule_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  version bigint not null,
  label text not null,
  content json not null,
  created_at timestamp with time zone not null,
  constraint risk_rule_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint risk_rule_views_version_check CHECK ((version > 0))
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

create table session_tokens (
  hash bytea not null,
  tenant_id uuid not null,
  session_id uuid not null,
  kind text not null,
  expires_at timestamp with time zone not null,
  spent_at timestamp with time zone,
  constraint session_tokens_hash_check CHECK ((octet_length(hash) = 32)),
  constraint session_tokens_kind_check CHECK ((kind = ANY (ARRAY['access'::text, 'refresh'::text]))),
  constraint session_tokens_pkey PRIMARY KEY (hash),
  constraint session_tokens_tenant_id_session_id_fkey FOREIGN KEY (tenant_id, session_id) REFERENCES sessions(tenant_id, id)
);

create table sessions (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  livemode boolean not null,
  address text not null,
  user_agent text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  renewed_at timestamp with time zone not null default clock_timestamp(),
  expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  constraint sessions_end_is_whole CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
  constraint sessions_end_reason_check CHECK ((end_reason = ANY (ARRAY['logged_out'::text, 'revoked'::text, 'token_reused'::text, 'password_changed'::text, 'user_disabled'::text]))),
  constraint sessions_pkey PRIMARY KEY (tenant_id, id),
  constraint sessions_tenant_id_user_id_fkey FOREIGN KEY (tenant_id, user_id) REFERENCES users(tenant_id, id)
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

create table tenants (
  id uuid not null,
  name text not null,
  created_at timestamp with time zone not null default clock_timestamp(),
  test_space uuid,
  constraint tenants_pkey PRIMARY KEY (id)
);

create table test_clocks (
  tenant_id uuid not null,
  ahead_ms bigint not null,
  version bigint not null,
  payments_heard int8multirange not null default '{}'::int8multirange,
  ledger_heard int8multirange not null default '{}'::int8multirange,
  constraint test_clocks_ahead_ms_check CHECK (((ahead_ms >= 0) AND (ahead_ms <= '315532800000'::bigint))),
  constraint test_clocks_pkey PRIMARY KEY (tenant_id),
  constraint test_clocks_version_check CHECK ((version > 0))
);

create table transaction_type_views (
  tenant_id uuid not null,
  livemode boolean not null,
  name text not null,
  version bigint not null,
  debit json,
  credit json,
  template json,
  defined_at timestamp with time zone not null,
  constraint transaction_type_views_pkey PRIMARY KEY (tenant_id, livemode, name),
  constraint transaction_type_views_version_check CHECK ((version > 0))
);

create table transfer_bulk_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  mode text not null,
  transfer_ids uuid[] not null,
  problems json not null,
  idempotency_key text not null,
  commands integer not null,
  created_at timestamp with time zone not null,
  pending integer not null,
  stopped_at integer,
  constraint transfer_bulk_views_commands_check CHECK ((commands >= 0)),
  constraint transfer_bulk_views_mode_check CHECK ((mode = ANY (ARRAY['independent'::text, 'atomic'::text, 'stop_on_first'::text]))),
  constraint transfer_bulk_views_pending_of_commands CHECK (((pending >= 0) AND (pending <= commands))),
  constraint transfer_bulk_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint transfer_bulk_views_stopped_at_check CHECK ((stopped_at >= 0))
);

create table transfer_group_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null,
  effective_at timestamp with time zone,
  metadata json not null,
  failure_code text,
  failure_leg integer,
  trace_id text,
  version bigint not null,
  created_at timestamp with time zone not null,
  recorded_at timestamp with time zone,
  rate_numerator bigint,
  rate_denominator bigint,
  constraint transfer_group_views_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
  constraint transfer_group_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint transfer_group_views_posted_is_recorded CHECK (((status = 'posted'::text) = (recorded_at IS NOT NULL))),
  constraint transfer_group_views_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'posted'::text, 'failed'::text]))),
  constraint transfer_group_views_version_check CHECK ((version >= 0))
);

create table transfer_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null,
  debit_account_id uuid not null,
  credit_account_id uuid not null,
  amount_minor bigint not null,
  asset text not null,
  group_id uuid,
  position integer,
  hold_id uuid,
  reverses_id uuid,
  effective_at timestamp with time zone,
  metadata json not null,
  failure_code text,
  failure_leg integer,
  trace_id text,
  version bigint not null,
  created_at timestamp with time zone not null,
  recorded_at timestamp with time zone,
  rate_numerator bigint,
  rate_denominator bigint,
  content_hash bytea,
  type text,
  payment_id uuid,
  corrects_id uuid,
  metadata_version bigint not null default 1,
  constraint transfer_views_amount_minor_check CHECK ((amount_minor >= 0)),
  constraint transfer_views_content_hash_check CHECK ((octet_length(content_hash) = 32)),
  constraint transfer_views_failed_has_code CHECK (((status = 'failed'::text) = (failure_code IS NOT NULL))),
  constraint transfer_views_metadata_version_check CHECK ((metadata_version > 0)),
  constraint transfer_views_pkey PRIMARY KEY (tenant_id, livemode, id),
  constraint transfer_views_place_in_group CHECK (((group_id IS NULL) = ("position" IS NULL))),
  constraint transfer_views_posted_is_recorded CHECK (((status = 'posted'::text) = (recorded_at IS NOT NULL))),
  constraint transfer_views_status_check CHECK ((status = ANY (ARRAY['pending'::text, 'posted'::text, 'failed'::text]))),
  constraint transfer_views_version_check CHECK ((version >= 0))
);

create table unit_views (
  tenant_id uuid not null,
  livemode boolean not null,
  code text not null,
  scale smallint not null,
  name text not null,
  created_at timestamp with time zone not null,
  constraint unit_views_pkey PRIMARY KEY (tenant_id, livemode, code),
  constraint unit_views_scale_check CHECK (((scale >= 0) AND (scale <= 12)))
);

create table users (
  tenant_id uuid not null,
  id uuid not null,
  email text not null,
  name text not null,
  role text not null,
  password_hash text,
  invitation_hash bytea,
  invitation_expires_at timestamp with time zone,
  disabled_at timestamp with time zone,
  version bigint not null default 1,
  created_at timestamp with time zone not null default clock_timestamp(),
  constraint users_email_check CHECK ((email = lower(email))),
  constraint users_email_key UNIQUE (email, tenant_id),
  constraint users_invitation_hash_check CHECK ((octet_length(invitation_hash) = 32)),
  constraint users_invitation_hash_key UNIQUE (invitation_hash),
  constraint users_invitation_is_whole CHECK (((invitation_hash IS NULL) = (invitation_expires_at IS NULL))),
  constraint users_password_hash_check CHECK ((password_hash ~~ '$argon2id$%'::text)),
  constraint users_pkey PRIMARY KEY (tenant_id, id),
  constraint users_role_check CHECK ((role = ANY (ARRAY['owner'::text, 'admin'::text, 'operator'::text, 'auditor'::text, 'viewer'::text]))),
  constraint users_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES tenants(id),
  constraint users_version_check CHECK ((version > 0))
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

create view tenant_account_views as
 SELECT tenant_id,
    livemode,
    id,
    status,
    path,
    asset,
    overdraft,
    posted_debits_minor,
    posted_credits_minor,
    pending_debits_minor,
    pending_credits_minor,
    metadata,
    version,
    created_at,
    updated_at,
    kind,
    overdraft_limit_minor,
    terms_version
   FROM account_views
  WHERE (tenant_id = ( SELECT (NULLIF(NULLIF(current_setting('payflow.tenant'::text, true), '*'::text), ''::text))::uuid AS "nullif"));

create view tenant_payment_views as
 SELECT tenant_id,
    livemode,
    id,
    status,
    version,
    amount_minor,
    amount_captured_minor,
    amount_refunded_minor,
    asset,
    source_account_id,
    destination_account_id,
    method,
    reference,
    metadata,
    failure_code,
    trace_id,
    created_at,
    updated_at,
    capture,
    amount_authorized_minor,
    next_action,
    authorized_until,
    customer_id,
    retry_of_id,
    sequence,
    failure_reason,
    division
   FROM payment_views
  WHERE (tenant_id = ( SELECT (NULLIF(NULLIF(current_setting('payflow.tenant'::text, true), '*'::text), ''::text))::uuid AS "nullif"));

create view tenant_transfer_views as
 SELECT tenant_id,
    livemode,
    id,
    status,
    debit_account_id,
    credit_account_id,
    amount_minor,
    asset,
    group_id,
    "position",
    hold_id,
    reverses_id,
    effective_at,
    metadata,
    failure_code,
    failure_leg,
    trace_id,
    version,
    created_at,
    recorded_at,
    rate_numerator,
    rate_denominator,
    content_hash,
    type,
    payment_id,
    corrects_id,
    metadata_version
   FROM transfer_views
  WHERE (tenant_id = ( SELECT (NULLIF(NULLIF(current_setting('payflow.tenant'::text, true), '*'::text), ''::text))::uuid AS "nullif"));

CREATE INDEX access_blocks_by_end ON public.access_blocks USING btree (blocked_until);

CREATE INDEX access_blocks_by_organisation ON public.access_blocks USING btree (tenant_id, id);

CREATE INDEX access_blocks_by_subject ON public.access_blocks USING btree (kind, subject, blocked_at);

CREATE INDEX account_views_by_metadata ON public.account_views USING gin (((metadata)::jsonb) jsonb_path_ops) WHERE ((metadata)::text <> '{}'::text);

CREATE UNIQUE INDEX account_views_by_path ON public.account_views USING btree (tenant_id, livemode, path text_pattern_ops) WHERE (path IS NOT NULL);

CREATE INDEX account_views_by_time ON public.account_views USING btree (tenant_id, livemode, created_at, id);

CREATE INDEX audit_log_by_actor ON ONLY public.audit_log USING btree (tenant_id, livemode, actor, created_at DESC, id DESC);

CREATE INDEX audit_log_by_operation ON ONLY public.audit_log USING btree (tenant_id, livemode, operation, created_at DESC, id DESC);

CREATE INDEX audit_log_by_resource ON ONLY public.audit_log USING btree (tenant_id, livemode, resource, created_at DESC, id DESC);

CREATE INDEX audit_log_by_time ON ONLY public.audit_log USING btree (tenant_id, livemode, created_at DESC, id DESC);

CREATE UNIQUE INDEX dead_letters_once ON public.dead_letters USING btree (consumer_group, topic, partition, record_offset, COALESCE(event_id, ''::text), md5(COALESCE(record_value, '\x'::bytea)));

CREATE INDEX dead_letters_replaying ON public.dead_letters USING btree (consumer_group, partition, arrival) WHERE (state = 'replaying'::text);

CREATE INDEX dispute_views_by_destination ON public.dispute_views USING btree (tenant_id, livemode, destination_account_id, created_at, id);

CREATE INDEX dispute_views_by_payment ON public.dispute_views USING btree (tenant_id, livemode, payment_id, created_at DESC, id DESC);

CREATE INDEX dispute_views_by_reference ON public.dispute_views USING btree (tenant_id, livemode, provider_reference, created_at);

CREATE INDEX dispute_views_by_return_transfer_id ON public.dispute_views USING btree (tenant_id, livemode, return_transfer_id) WHERE (return_transfer_id IS NOT NULL);

CREATE INDEX dispute_views_by_source ON public.dispute_views USING btree (tenant_id, livemode, source_account_id, created_at, id);

CREATE INDEX dispute_views_by_status ON public.dispute_views USING btree (tenant_id, livemode, status, created_at DESC, id DESC);

CREATE INDEX dispute_views_by_time ON public.dispute_views USING btree (tenant_id, livemode, created_at DESC, id DESC);

CREATE INDEX dispute_views_by_transfer_id ON public.dispute_views USING btree (tenant_id, livemode, transfer_id) WHERE (transfer_id IS NOT NULL);

CREATE INDEX hold_views_by_credit ON public.hold_views USING btree (tenant_id, livemode, credit_account_id, created_at, id);

CREATE INDEX hold_views_by_debit ON public.hold_views USING btree (tenant_id, livemode, debit_account_id, created_at, id);

CREATE INDEX hold_views_by_payment ON public.hold_views USING btree (tenant_id, livemode, payment_id, created_at, id) WHERE (payment_id IS NOT NULL);

CREATE INDEX hold_views_by_time ON public.hold_views USING btree (tenant_id, livemode, created_at, id);

CREATE INDEX hold_views_by_type ON public.hold_views USING btree (tenant_id, livemode, type, created_at, id) WHERE (type IS NOT NULL);

CREATE INDEX idempotency_records_by_age ON public.idempotency_records USING brin (created_at) WITH (pages_per_range='32');

CREATE INDEX idempotency_records_by_client_id ON public.idempotency_records USING btree (tenant_id, livemode, resource_id) WHERE (content_hash IS NOT NULL);

CREATE INDEX login_failures_by_age ON public.login_failures USING btree (last_failed_at);

CREATE INDEX outbox_in_order ON ONLY public.outbox USING btree (created_at, id) WHERE (published_at IS NULL);

CREATE INDEX parked_messages_in_order ON public.parked_messages USING btree (consumer_group, tenant, record_key, arrival);

CREATE INDEX payment_operation_views_by_destination ON public.payment_operation_views USING btree (tenant_id, livemode, destination_account_id, created_at, id) WHERE (kind = 'refund'::text);

CREATE INDEX payment_operation_views_by_payment ON public.payment_operation_views USING btree (tenant_id, livemode, payment_id, kind, created_at, id);

CREATE INDEX payment_operation_views_by_source ON public.payment_operation_views USING btree (tenant_id, livemode, source_account_id, created_at, id) WHERE (kind = 'refund'::text);

CREATE INDEX payment_operation_views_by_time ON public.payment_operation_views USING btree (tenant_id, livemode, kind, created_at, id);

CREATE INDEX payment_views_by_customer ON public.payment_views USING btree (tenant_id, livemode, customer_id, created_at, id) WHERE (customer_id IS NOT NULL);

CREATE INDEX payment_views_by_destination ON public.payment_views USING btree (tenant_id, livemode, destination_account_id, created_at, id);

CREATE INDEX payment_views_by_metadata ON public.payment_views USING gin (((metadata)::jsonb) jsonb_path_ops) WHERE ((metadata)::text <> '{}'::text);

CREATE INDEX payment_views_by_reference ON public.payment_views USING btree (tenant_id, livemode, reference, created_at, id) WHERE (reference IS NOT NULL);

CREATE INDEX payment_views_by_source ON public.payment_views USING btree (tenant_id, livemode, source_account_id, created_at, id);

CREATE INDEX payment_views_by_time ON public.payment_views USING btree (tenant_id, livemode, created_at, id);

CREATE UNIQUE INDEX pending_writes_by_command ON public.pending_writes USING btree (tenant_id, livemode, command_id) WHERE (command_id IS NOT NULL);

CREATE INDEX provider_webhooks_by_age ON public.provider_webhooks USING btree (received_at);

CREATE INDEX request_log_by_request_id ON ONLY public.request_log USING hash (request_id);

CREATE INDEX review_views_by_status ON public.review_views USING btree (tenant_id, livemode, label, created_at, id);

CREATE INDEX review_views_by_time ON public.review_views USING btree (tenant_id, livemode, created_at, id);

CREATE INDEX session_tokens_by_end ON public.session_tokens USING btree (expires_at);

CREATE INDEX session_tokens_by_session ON public.session_tokens USING btree (tenant_id, session_id);

CREATE INDEX sessions_by_end ON public.sessions USING btree (expires_at);

CREATE INDEX sessions_by_user ON public.sessions USING btree (tenant_id, user_id, id);

CREATE INDEX transfer_group_views_conversions ON public.transfer_group_views USING btree (tenant_id, livemode, created_at, id) WHERE (rate_numerator IS NOT NULL);

CREATE INDEX transfer_views_by_corrected ON public.transfer_views USING btree (tenant_id, livemode, corrects_id) WHERE (corrects_id IS NOT NULL);

CREATE INDEX transfer_views_by_credit ON public.transfer_views USING btree (tenant_id, livemode, credit_account_id, created_at, id);

CREATE INDEX transfer_views_by_debit ON public.transfer_views USING btree (tenant_id, livemode, debit_account_id, created_at, id);

CREATE INDEX transfer_views_by_group ON public.transfer_views USING btree (tenant_id, livemode, group_id, "position") WHERE (group_id IS NOT NULL);

CREATE INDEX transfer_views_by_hold ON public.transfer_views USING btree (tenant_id, livemode, hold_id, created_at, id) WHERE (hold_id IS NOT NULL);

CREATE INDEX transfer_views_by_kind ON public.transfer_views USING btree (tenant_id, livemode, (
CASE
    WHEN (hold_id IS NOT NULL) THEN 'hold_posting'::text
    WHEN (reverses_id IS NOT NULL) THEN 'reversal'::text
    WHEN (corrects_id IS NOT NULL) THEN 'correction'::text
    ELSE 'plain'::text
END), created_at, id) WHERE (
CASE
    WHEN (hold_id IS NOT NULL) THEN 'hold_posting'::text
    WHEN (reverses_id IS NOT NULL) THEN 'reversal'::text
    WHEN (corrects_id IS NOT NULL) THEN 'correction'::text
    ELSE 'plain'::text
END <> 'plain'::text);

CREATE INDEX transfer_views_by_metadata ON public.transfer_views USING gin (((metadata)::jsonb) jsonb_path_ops) WHERE ((metadata)::text <> '{}'::text);

CREATE INDEX transfer_views_by_payment ON public.transfer_views USING btree (tenant_id, livemode, payment_id) WHERE (payment_id IS NOT NULL);

CREATE INDEX transfer_views_by_reversed ON public.transfer_views USING btree (tenant_id, livemode, reverses_id) WHERE (reverses_id IS NOT NULL);

CREATE INDEX transfer_views_by_time ON public.transfer_views USING btree (tenant_id, livemode, created_at, id);

CREATE INDEX transfer_views_by_type ON public.transfer_views USING btree (tenant_id, livemode, type, created_at, id) WHERE (type IS NOT NULL);

CREATE INDEX transfer_views_conversions_by_credit ON public.transfer_views USING btree (tenant_id, livemode, credit_account_id) WHERE (rate_numerator IS NOT NULL);

CREATE INDEX transfer_views_conversions_by_debit ON public.transfer_views USING btree (tenant_id, livemode, debit_account_id) WHERE (rate_numerator IS NOT NULL);

CREATE STATISTICS public.account_views_metadata ON (metadata::jsonb) FROM account_views;

CREATE STATISTICS public.payment_views_metadata ON (metadata::jsonb) FROM payment_views;

CREATE STATISTICS public.transfer_views_metadata ON (metadata::jsonb) FROM transfer_views;

-- access_blocks
-- account_views
-- api_key_networks
-- api_key_uses
-- api_keys
-- audit_log
-- command_sequences
-- dispute_views
-- hold_views
-- idempotency_records
-- installation
-- limit_views
-- parked_messages
-- parked_subjects
-- payment_operation_views
-- payment_views
-- pending_writes
-- provider_webhooks
-- request_log
-- retired_test_spaces
-- review_views
-- risk_rule_views
-- session_tokens
-- sessions
-- test_clocks
-- transaction_type_views
-- transfer_bulk_views
-- transfer_group_views
-- transfer_views
-- unit_views
-- users
-- waiting_commands
policy reader for select to reader using (true);

-- access_blocks
-- account_views
-- api_key_networks
-- api_key_uses
-- api_keys
-- audit_log
-- dispute_views
-- hold_views
-- idempotency_records
-- installation
-- limit_views
-- payment_operation_views
-- payment_views
-- pending_writes
-- provider_webhooks
-- request_log
-- retired_test_spaces
-- review_views
-- risk_rule_views
-- session_tokens
-- sessions
-- test_clocks
-- transaction_type_views
-- transfer_bulk_views
-- transfer_group_views
-- transfer_views
-- unit_views
-- users
policy tenant_wall for all to public using (
CASE
    WHEN (( SELECT current_setting('payflow.tenant'::text, true) AS current_setting) = '*'::text) THEN true
    ELSE (tenant_id = ( SELECT (NULLIF(NULLIF(current_setting('payflow.tenant'::text, true), '*'::text), ''::text))::uuid AS "nullif"))
END);

-- command_sequences
-- parked_messages
-- parked_subjects
-- waiting_commands
policy tenant_wall for all to public using ((( SELECT current_setting('payflow.tenant'::text, true) AS current_setting) = '*'::text));

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

CREATE OR REPLACE FUNCTION public.raise_walls()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
declare
  walled record;
  raised integer := 0;
begin
  for walled in
    select c.oid::regclass as name, bool_or(a.attname = 'tenant_id') as is_tenants
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname in ('tenant_id', 'tenant') and not a.attisdropped
      and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant_wall')
    group by c.oid order by c.oid
  loop
    execute format('alter table %s enable row level security', walled.name);
    execute format('create policy tenant_wall on %s using (%s)', walled.name, case when walled.is_tenants
      then $policy$case when (select current_setting('payflow.tenant', true)) = '*' then true
        else tenant_id = (select nullif(nullif(current_setting('payflow.tenant', true), '*'), '')::uuid) end$policy$
      else $policy$(select current_setting('payflow.tenant', true)) = '*'$policy$ end);
    execute format('create policy reader on %s for select to %I using (true)', walled.name, current_database() || '_reader');
    raised := raised + 1;
  end loop;
  return raised;
end $function$
;

CREATE OR REPLACE FUNCTION public.secret_kind(content text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$
  select case
    when content ~ '\msk_(live|test)_[0-9A-Za-z_-]{16,}' then 'api_key'
    when content ~* '"(password|passwd|client_secret|secret_key|cvv2?|cvc2?)" ?: ?"[^"]' then 'password'
    when content ~ 'eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.|Bearer [0-9A-Za-z._-]{16,}|\m(at|rt|inv)_[0-9A-Za-z_-]{43}' then 'token'
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

grant select on access_blocks to reader;
grant delete, insert, select on access_blocks to service;
grant update (lift_wished_by, lift_reason, lifted_at, lift_event_id) on access_blocks to service;
grant select on account_views to reader;
grant delete, insert, select, update on account_views to service;
grant select on api_key_networks to reader;
grant insert, select on api_key_networks to service;
grant select on api_key_uses to reader;
grant insert, select on api_key_uses to service;
grant update (last_used_at, request_count) on api_key_uses to service;
grant select on api_keys to reader;
grant insert, select on api_keys to service;
grant update (name, revoked_at, allowed_addresses, expires_at, version, api_version) on api_keys to service;
grant select on archived_tallies to reader;
grant select on archived_tallies to service;
grant select on audit_log to reader;
grant insert, select on audit_log to service;
grant select on command_sequences to reader;
grant insert, select on command_sequences to service;
grant update (used) on command_sequences to service;
grant select on dead_letters to reader;
grant delete, insert, select, update on dead_letters to service;
grant select on dispute_views to reader;
grant delete, insert, select, update on dispute_views to service;
grant select on hold_views to reader;
grant delete, insert, select, update on hold_views to service;
grant select on idempotency_records to reader;
grant delete, insert, select on idempotency_records to service;
grant update (resource_id, reply_status, reply_headers, reply_body, content_hash, copy_of) on idempotency_records to service;
grant select on inbox to reader;
grant delete, insert, select on inbox to service;
grant select on installation to reader;
grant insert, select on installation to service;
grant select on limit_views to reader;
grant delete, insert, select, update on limit_views to service;
grant select on login_failures to reader;
grant delete, insert, select, update on login_failures to service;
grant select on maintained_partitions to reader;
grant select on maintained_partitions to service;
grant select on marks_began to reader;
grant insert, select on marks_began to service;
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
grant select on payment_operation_views to reader;
grant delete, insert, select, update on payment_operation_views to service;
grant select on payment_views to reader;
grant delete, insert, select, update on payment_views to service;
grant select on pending_writes to reader;
grant delete, insert, select on pending_writes to service;
grant update (republished_at) on pending_writes to service;
grant select on positions to reader;
grant insert, select, update on positions to service;
grant select on provider_webhooks to reader;
grant delete, insert, select on provider_webhooks to service;
grant select on received_tallies to reader;
grant delete, insert, select, update on received_tallies to service;
grant select on request_log to reader;
grant insert, select on request_log to service;
grant select on retired_test_spaces to reader;
grant insert, select on retired_test_spaces to service;
grant update (swept_at) on retired_test_spaces to service;
grant select on review_views to reader;
grant delete, insert, select, update on review_views to service;
grant select on risk_rule_views to reader;
grant delete, insert, select, update on risk_rule_views to service;
grant select on schema_migrations to reader;
grant select on schema_migrations to service;
grant select on sent_horizon to reader;
grant select on sent_horizon to service;
grant update (horizon, seen_until) on sent_horizon to service;
grant select on sent_tallies to reader;
grant delete, insert, select on sent_tallies to service;
grant update (messages, id_sum) on sent_tallies to service;
grant select on session_tokens to reader;
grant delete, insert, select on session_tokens to service;
grant update (spent_at) on session_tokens to service;
grant select on sessions to reader;
grant delete, insert, select on sessions to service;
grant update (renewed_at, expires_at, ended_at, end_reason) on sessions to service;
grant select on suspects to reader;
grant delete, insert, select on suspects to service;
grant update (attempts) on suspects to service;
grant select on tenant_account_views to service;
grant select on tenant_payment_views to service;
grant select on tenant_transfer_views to service;
grant select on tenants to reader;
grant insert, select on tenants to service;
grant update (test_space) on tenants to service;
grant select on test_clocks to reader;
grant insert, select on test_clocks to service;
grant update (ahead_ms, version, payments_heard, ledger_heard) on test_clocks to service;
grant select on transaction_type_views to reader;
grant delete, insert, select, update on transaction_type_views to service;
grant select on transfer_bulk_views to reader;
grant delete, insert, select on transfer_bulk_views to service;
grant update (pending, stopped_at) on transfer_bulk_views to service;
grant select on transfer_group_views to reader;
grant delete, insert, select, update on transfer_group_views to service;
grant select on transfer_views to reader;
grant delete, insert, select, update on transfer_views to service;
grant select on unit_views to reader;
grant delete, insert, select on unit_views to service;
grant update (scale, name, created_at) on unit_views to service;
grant select on users to reader;
grant insert, select on users to service;
grant update (name, role, password_hash, invitation_hash, invitation_expires_at, disabled_at, version) on users to service;
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
grant execute on function raise_walls() to reader, service;
grant execute on function secret_kind(text) to reader, service;
grant execute on function typeid_uuid(text) to reader, service;
grant execute on function uuid_floor(timestamp with time zone) to reader, service;
grant execute on function uuid_tail(uuid) to reader, service;
grant execute on function uuid_time(uuid) to reader, service;
