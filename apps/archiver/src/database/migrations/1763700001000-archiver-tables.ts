import { SqlMigration } from '@payflow/database';

/** The archive: every event once, in the month inside its id. New tables only: locks nothing that exists. */
export class ArchiverTables1763700001000 extends SqlMigration {
  readonly sql = `
-- One event, one row, for ever: the month comes from the event id alone, so a duplicate always meets the first copy in the
-- same partition, whenever it arrives, and the primary key refuses it there.
create table archived_events (
  tenant_id uuid not null,
  livemode boolean not null,
  event_id uuid not null,
  -- The time inside the event id; 1970-01-01 where that is absurd.
  id_time timestamptz not null,
  topic text not null,
  type text not null,
  subject text not null,
  aggregate_version bigint not null,
  -- ce_time as far as it is an instant.
  occurred_at timestamptz,
  causation_id text not null,
  correlation_id text not null,
  actor text not null,
  traceparent text,
  data json not null,
  archived_at timestamptz not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (tenant_id, livemode, event_id, id_time)
) partition by range (id_time);
-- For what looks at the newest rows: they lie in the order of their arrival, so a few pages of block ranges serve.
create index archived_events_by_arrival on archived_events using brin (archived_at) with (pages_per_range = 32, autosummarize = on);
insert into maintained_partitions values ('archived_events', '1 month');

-- Ids whose time no clock of ours can have shown end up here, and still only once each.
create table archived_events_undated partition of archived_events for values from (minvalue) to ('2020-01-01 00:00:00+00');

-- Months that housekeeping does not make ahead, because only a wrong clock or an old id asks for them.
create function ensure_archive_month(of timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  lower_bound timestamptz := date_trunc('month', of, 'UTC');
  partition_name text := 'archived_events_' || to_char(lower_bound at time zone 'UTC', 'YYYYMM');
begin
  if of < '2020-01-01 00:00:00+00' or of >= '2100-01-01 00:00:00+00' then raise 'no archive month for %', of; end if;
  if to_regclass(partition_name) is not null then return; end if;
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  if to_regclass(partition_name) is not null then return; end if;
  execute format('create table %I partition of archived_events for values from (%L) to (%L)',
    partition_name, lower_bound, lower_bound + interval '1 month');
end $$;

-- Append-only. Row triggers are inherited by every partition, present and coming; a revoke on the parent would leave the
-- partitions, which get the schema's default privileges, open to whoever names them.
create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception 'the archive is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger archived_events_append_only before update or delete on archived_events
  for each row execute function refuse_change();
do $$ begin
  execute format('revoke update, delete on archived_events from %I', current_database());
end $$;
`;
}
