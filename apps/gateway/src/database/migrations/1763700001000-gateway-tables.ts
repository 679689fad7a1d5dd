import { SqlMigration } from '@payflow/database';

/** Tenants and keys, idempotency, and the read model. New tables only: locks nothing that exists. */
export class GatewayTables1763700001000 extends SqlMigration {
  readonly sql = `
create table tenants (
  id uuid primary key,
  name text not null,
  created_at timestamptz not null default clock_timestamp()
);

create table api_keys (
  tenant_id uuid not null references tenants,
  livemode boolean not null,
  id uuid not null,
  -- SHA-256 of the whole key: it has 256 bits of its own, so a slow hash would add nothing but latency.
  key_hash bytea not null unique check (octet_length(key_hash) = 32),
  name text not null,
  scopes text[] not null,
  created_at timestamptz not null default clock_timestamp(),
  revoked_at timestamptz,
  primary key (tenant_id, livemode, id)
);

-- One row per Idempotency-Key, written with the write it stands for. The reply comes once, with the final event; it is
-- the only update, of columns no index knows, so pages keep room for it (HOT).
create table idempotency_records (
  tenant_id uuid not null,
  livemode boolean not null,
  idempotency_key text not null,
  fingerprint bytea not null check (octet_length(fingerprint) = 32),
  resource_kind text not null check (resource_kind in ('payment', 'account')),
  resource_id uuid not null,
  api_version text not null,
  created_at timestamptz not null,
  reply_status smallint,
  reply_headers json,
  reply_body text,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, idempotency_key),
  constraint idempotency_records_reply_is_whole
    check ((reply_status is null) = (reply_body is null) and (reply_status is null) = (reply_headers is null))
) with (fillfactor = 60);
-- For pruning alone; rows lie in the order of their time, so a block range index of a few pages serves.
create index idempotency_records_by_age on idempotency_records using brin (created_at) with (pages_per_range = 32);

-- What was acknowledged and has not ended: what the sweeper looks through. The row goes with the final event. A table of
-- its own, because an index over the views' status would turn each of their updates into one of every index.
create table pending_writes (
  tenant_id uuid not null,
  livemode boolean not null,
  resource_id uuid not null,
  resource_kind text not null check (resource_kind in ('payment', 'account')),
  idempotency_key text not null,
  request_id text not null,
  accepted_at timestamptz not null,
  -- The stored command, to be published again when nothing is heard.
  outbox_id uuid not null,
  outbox_created_at timestamptz not null,
  republished_at timestamptz,
  primary key (tenant_id, livemode, resource_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

create table payment_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null check (status in ('pending', 'processing', 'succeeded', 'failed')),
  version bigint not null check (version >= 0),
  amount_minor bigint not null check (amount_minor > 0),
  amount_captured_minor bigint not null check (amount_captured_minor between 0 and amount_minor),
  amount_refunded_minor bigint not null check (amount_refunded_minor between 0 and amount_captured_minor),
  asset text not null,
  source_account_id uuid not null,
  destination_account_id uuid not null,
  method json not null,
  reference text,
  metadata json not null,
  failure_code text,
  trace_id text,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, livemode, id),
  constraint payment_views_failed_has_code check ((status = 'failed') = (failure_code is not null))
) with (fillfactor = 70);
-- The lists, newest first: all payments, those of one account, those of one reference. None of their columns changes.
create index payment_views_by_time on payment_views (tenant_id, livemode, created_at, id);
create index payment_views_by_source on payment_views (tenant_id, livemode, source_account_id, created_at, id);
create index payment_views_by_destination on payment_views (tenant_id, livemode, destination_account_id, created_at, id);
create index payment_views_by_reference on payment_views (tenant_id, livemode, reference, created_at, id) where reference is not null;

create table account_views (
  tenant_id uuid not null,
  livemode boolean not null,
  id uuid not null,
  status text not null check (status in ('pending', 'open')),
  path text,
  asset text not null,
  overdraft text not null check (overdraft in ('none', 'unbounded')),
  posted_debits_minor bigint not null default 0 check (posted_debits_minor >= 0),
  posted_credits_minor bigint not null default 0 check (posted_credits_minor >= 0),
  pending_debits_minor bigint not null default 0 check (pending_debits_minor >= 0),
  pending_credits_minor bigint not null default 0 check (pending_credits_minor >= 0),
  metadata json not null,
  -- The ledger's version of the account; 0 until it is open.
  version bigint not null check (version >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (tenant_id, livemode, id)
) with (fillfactor = 50);
create unique index account_views_path on account_views (tenant_id, livemode, path) where path is not null;
`;
}
