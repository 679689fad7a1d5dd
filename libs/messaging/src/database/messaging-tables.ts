import { PARTITION_FUNCTIONS, SqlMigration } from '@payflow/database';

/** The runner's tables, the same in every service's database. New tables only: locks nothing that exists. */
export class MessagingTables1763700000000 extends SqlMigration {
  readonly sql = `
${PARTITION_FUNCTIONS}

-- How far each reader has come; the one truth about offsets. Updated once per batch, so pages keep room for HOT updates.
create table positions (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  epoch bigint not null,
  next_offset bigint not null check (next_offset >= 0),
  last_event_id text,
  -- Claims since the last progress: a process that dies in one message claims again and again.
  idle_claims integer not null default 0,
  -- Set where the runner refuses to go on by itself: gap, shorter log, wrong record, newer message.
  stopped_reason text,
  updated_at timestamptz not null default clock_timestamp(),
  primary key (consumer_group, topic, partition)
) with (fillfactor = 50);

-- What each reader has applied, by the day inside the event id: the receiving half of "sent = received".
create table received_tallies (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  day date not null,
  messages bigint not null,
  id_sum bigint not null,
  primary key (consumer_group, topic, partition, day)
) with (fillfactor = 50);

-- One row per batch and target partition, written in the handler's transaction and born claimed by its writer.
create table outbox (
  created_at timestamptz not null,
  id uuid not null,
  topic text not null,
  partition integer not null,
  -- JSON, kept as text and uncompressed: checking and squeezing it again costs more than the row's insert.
  messages text not null,
  message_count integer not null check (message_count > 0),
  -- Those sent for the first time: the sending half of "sent = received".
  counted integer not null,
  id_sum bigint not null,
  claimed_until timestamptz not null,
  published_at timestamptz,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (id, created_at)
) partition by range (created_at);
alter table outbox alter column messages set storage external;
create index outbox_unpublished on outbox (claimed_until) where published_at is null;
insert into maintained_partitions values ('outbox', '1 day');

-- Marks of readers whose effect has no unique key of its own. Ids are UUIDv7, so pruning is a range of the key.
create table inbox (
  consumer_group text not null,
  event_id uuid not null,
  -- Tells a copy from another message under the same id.
  content_hash bigint not null,
  xact_id xid8 not null default pg_current_xact_id(),
  primary key (consumer_group, event_id)
);

create table parked_subjects (
  consumer_group text not null,
  tenant text not null,
  record_key text not null,
  state text not null check (state in ('parked', 'releasing', 'discarding')),
  error_class text not null,
  error_message text not null,
  attempts integer not null,
  topic text not null,
  partition integer not null,
  parked_at timestamptz not null default clock_timestamp(),
  actor text,
  reason text,
  -- Drains begun and not ended: one that kills its process is not tried for ever.
  tries integer not null default 0,
  primary key (consumer_group, tenant, record_key)
);

create table parked_messages (
  consumer_group text not null,
  tenant text not null,
  record_key text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  event_id uuid not null,
  message json not null,
  parked_at timestamptz not null default clock_timestamp(),
  primary key (consumer_group, event_id)
);
create index parked_messages_in_order on parked_messages (consumer_group, tenant, record_key, partition, record_offset);

-- What can never be applied, as it came. The copy in the dead-letter topic is for others to read; this one is for release.
create table dead_letters (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  event_id text,
  error_class text not null,
  error_message text not null,
  attempts integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null default clock_timestamp(),
  trace_id text,
  record_key bytea,
  record_value bytea,
  record_headers json not null,
  state text not null default 'dead' check (state in ('dead', 'replaying', 'replayed')),
  actor text,
  reason text,
  tries integer not null default 0,
  primary key (consumer_group, topic, partition, record_offset)
);
create index dead_letters_replaying on dead_letters (consumer_group, partition) where state = 'replaying';

-- Commands that came before their predecessor. They park nothing and are applied in the transaction of what they wait for.
create table waiting_commands (
  consumer_group text not null,
  tenant text not null,
  livemode boolean not null,
  record_key text not null,
  sequence integer not null,
  event_id uuid not null,
  record_offset bigint not null,
  message json not null,
  waiting_since timestamptz not null default clock_timestamp(),
  primary key (consumer_group, tenant, livemode, record_key, sequence)
);

-- The last number used of a subject, from 2 on: that the first was used shows in what it made.
create table command_sequences (
  consumer_group text not null,
  tenant text not null,
  livemode boolean not null,
  record_key text not null,
  used integer not null check (used > 1),
  primary key (consumer_group, tenant, livemode, record_key)
) with (fillfactor = 70);

-- A message under suspicion of killing its process: committed before it is handled, gone when it is done.
create table suspects (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  record_offset bigint not null,
  attempts integer not null,
  first_at timestamptz not null default clock_timestamp(),
  primary key (consumer_group, topic, partition, record_offset)
);

create function drop_outbox_before(horizon timestamptz) returns integer
-- Dropping locks the whole outbox: better an hour later than every writer behind one long reader.
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
  dated record;
  unpublished boolean;
  dropped integer := 0;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  for dated in
    select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'outbox'::regclass and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 <= (horizon at time zone 'UTC')::date
  loop
    execute format('select exists (select from %I where published_at is null)', dated.name) into unpublished;
    continue when unpublished;
    -- Locked before it is looked at again: a row may just be given back to the relay.
    execute format('lock table %I in access exclusive mode', dated.name);
    execute format('select exists (select from %I where published_at is null)', dated.name) into unpublished;
    continue when unpublished;
    execute format('drop table %I', dated.name);
    dropped := dropped + 1;
  end loop;
  return dropped;
end $$;
`;
}
