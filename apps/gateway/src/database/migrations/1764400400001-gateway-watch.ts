import { SqlMigration } from '@payflow/database';

/** Who is blocked, from where keys are used, and what was asked: new tables only, which lock nothing that exists. */
export class GatewayWatch1764400400001 extends SqlMigration {
  readonly sql = `
-- Addresses are nobody's, and who guesses at ids may have the keys of several: no tenant's table, but the installation's.
create table access_blocks (
  id uuid primary key,
  kind text not null check (kind in ('address', 'credential')),
  -- An address (of IPv6 its /64), or the public id of a key or a user.
  subject text not null,
  suspicion text not null,
  tried_count integer not null check (tried_count > 0),
  level integer not null check (level > 0),
  blocked_at timestamptz not null default statement_timestamp(),
  blocked_until timestamptz not null check (blocked_until > blocked_at),
  -- An operator's wish; a gateway carries it out, and tells of it.
  lift_wished_by text,
  lift_reason text,
  lifted_at timestamptz,
  event_id uuid not null,
  lift_event_id uuid,
  xact_id xid8 not null default pg_current_xact_id(),
  check ((lift_wished_by is null) = (lift_reason is null)),
  check (lifted_at is null or lift_wished_by is not null),
  check ((lifted_at is null) = (lift_event_id is null))
);
create index access_blocks_by_end on access_blocks (blocked_until);
create index access_blocks_by_subject on access_blocks (kind, subject, blocked_at);

-- The first of a key is where it belongs; each that comes later is told of.
create table api_key_networks (
  tenant_id uuid not null,
  livemode boolean not null,
  api_key_id uuid not null,
  network cidr not null,
  first_address inet not null,
  first_seen_at timestamptz not null default statement_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, api_key_id, network),
  foreign key (tenant_id, livemode, api_key_id) references api_keys
);

-- Written behind: some requests before a crash, and those that nobody had time for, are missing here.
create table request_log (
  -- Of who came without a credential, nobody's: all zeros.
  tenant_id uuid not null,
  livemode boolean not null,
  created_at timestamptz not null,
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
  primary key (tenant_id, livemode, created_at, id)
) partition by range (created_at);
-- By hash: the ids are long, and looked for one at a time.
create index request_log_by_request_id on request_log using hash (request_id);
insert into maintained_partitions (table_name, step, kept) values ('request_log', '1 day', '30 days');
select ensure_partitions(4);
`;
}
