import { SqlMigration } from '@payflow/database';

/**
 * Users, sessions and what keys may be bound to: new tables, and columns on `api_keys` with constant defaults, which rewrite
 * nothing and lock it for the change of the catalogue.
 */
export class GatewayIdentity1764400100002 extends SqlMigration {
  readonly sql = `
create table users (
  tenant_id uuid not null references tenants,
  id uuid not null,
  -- As it is compared: in lower case.
  email text not null check (email = lower(email)),
  name text not null,
  role text not null check (role in ('owner', 'admin', 'operator', 'auditor', 'viewer')),
  -- In the PHC form: argon2id, its parameters, salt and hash. Null until the invitation is taken.
  password_hash text check (password_hash like '$argon2id$%'),
  invitation_hash bytea unique check (octet_length(invitation_hash) = 32),
  invitation_expires_at timestamptz,
  disabled_at timestamptz,
  version bigint not null default 1 check (version > 0),
  created_at timestamptz not null default clock_timestamp(),
  primary key (tenant_id, id),
  -- In this order it also answers whose an e-mail address is, before anybody knows the organisation.
  constraint users_email_key unique (email, tenant_id),
  constraint users_invitation_is_whole check ((invitation_hash is null) = (invitation_expires_at is null))
);

create table sessions (
  tenant_id uuid not null,
  id uuid not null,
  user_id uuid not null,
  livemode boolean not null,
  address text not null,
  user_agent text not null,
  created_at timestamptz not null default clock_timestamp(),
  renewed_at timestamptz not null default clock_timestamp(),
  expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text check (end_reason in ('logged_out', 'revoked', 'token_reused', 'password_changed', 'user_disabled')),
  primary key (tenant_id, id),
  foreign key (tenant_id, user_id) references users,
  constraint sessions_end_is_whole check ((ended_at is null) = (end_reason is null))
);
create index sessions_by_user on sessions (tenant_id, user_id, id);
create index sessions_by_end on sessions (expires_at);

-- Every token that a session had, spent ones too: that one comes again is how a theft is found out.
create table session_tokens (
  -- SHA-256 of the token, which has 256 bits of its own.
  hash bytea primary key check (octet_length(hash) = 32),
  tenant_id uuid not null,
  session_id uuid not null,
  kind text not null check (kind in ('access', 'refresh')),
  expires_at timestamptz not null,
  spent_at timestamptz,
  foreign key (tenant_id, session_id) references sessions
);
create index session_tokens_by_session on session_tokens (tenant_id, session_id);
create index session_tokens_by_end on session_tokens (expires_at);

-- Of e-mail addresses as they were typed, ours or not: by a keyed hash, because what is typed there may be a password.
create table login_failures (
  subject text primary key check (subject ~ '^[0-9a-f]{64}$'),
  tolerated integer not null,
  failures integer not null check (failures > 0),
  last_failed_at timestamptz not null,
  blocked_until timestamptz not null
);
create index login_failures_by_age on login_failures (last_failed_at);

-- That there is a row is what refuses a second first organisation.
create table installation (
  only_row boolean primary key default true check (only_row),
  tenant_id uuid not null references tenants,
  made_at timestamptz not null default clock_timestamp()
);

alter table api_keys
  add column allowed_addresses text[] not null default '{}',
  add column expires_at timestamptz,
  add column replaces_id uuid,
  add column created_by text,
  add column version bigint not null default 1;

create or replace function secret_kind(content text) returns text language sql immutable strict parallel safe as $$
  select case
    when content ~ '\\msk_(live|test)_[0-9A-Za-z_-]{16,}' then 'api_key'
    when content ~* '"(password|passwd|client_secret|secret_key|cvv2?|cvc2?)" ?: ?"[^"]' then 'password'
    when content ~ 'eyJ[0-9A-Za-z_-]{8,}\\.eyJ[0-9A-Za-z_-]{8,}\\.|Bearer [0-9A-Za-z._-]{16,}|\\m(at|rt|inv)_[0-9A-Za-z_-]{43}' then 'token'
    when holds_card_number(content) then 'card_number'
  end
$$;
`;
}
