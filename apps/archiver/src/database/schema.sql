create table archived_events (
  tenant_id uuid not null,
  livemode boolean not null,
  event_id uuid not null,
  id_time timestamp with time zone not null,
  topic text not null,
  type text not null,
  subject text not null,
  aggregate_version bigint not null,
  occurred_at timestamp with time zone,
  causation_id text not null,
  correlation_id text not null,
  actor text not null,
  traceparent text,
  data json not null,
  archived_at timestamp with time zone not null default clock_timestamp(),
  xact_id xid8 not null default pg_current_xact_id(),
  constraint archived_events_pkey PRIMARY KEY (tenant_id, livemode, event_id, id_time)
) partition by RANGE (id_time);

create table archived_tallies (
  topic text not null,
  type text not null,
  day date not null,
  slot smallint not null,
  messages bigint not null,
  id_sum bigint not null,
  constraint archived_tallies_pkey PRIMARY KEY (topic, type, day, slot)
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

create table inbox (
  consumer_group text not null,
  event_id uuid not null,
  content_hash bigint not null,
  xact_id xid8 not null default pg_current_xact_id(),
  constraint inbox_pkey PRIMARY KEY (consumer_group, event_id)
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

create table received_tallies (
  consumer_group text not null,
  topic text not null,
  partition integer not null,
  day date not null,
  messages bigint not null,
  id_sum bigint not null,
  constraint received_tallies_pkey PRIMARY KEY (consumer_group, topic, partition, day)
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

CREATE INDEX archived_events_by_arrival ON ONLY public.archived_events USING brin (archived_at) WITH (pages_per_range='32', autosummarize='on');

CREATE INDEX archived_events_by_day ON ONLY public.archived_events USING brin (id_time) WITH (pages_per_range='32', autosummarize='on');

CREATE UNIQUE INDEX dead_letters_once ON public.dead_letters USING btree (consumer_group, topic, partition, record_offset, COALESCE(event_id, ''::text), md5(COALESCE(record_value, '\x'::bytea)));

CREATE INDEX dead_letters_replaying ON public.dead_letters USING btree (consumer_group, partition, arrival) WHERE (state = 'replaying'::text);

CREATE INDEX outbox_in_order ON ONLY public.outbox USING btree (created_at, id) WHERE (published_at IS NULL);

CREATE INDEX parked_messages_in_order ON public.parked_messages USING btree (consumer_group, tenant, record_key, arrival);

CREATE TRIGGER archived_events_append_only BEFORE DELETE OR UPDATE ON public.archived_events FOR EACH ROW EXECUTE FUNCTION refuse_change();

CREATE TRIGGER archived_events_never_truncated BEFORE TRUNCATE ON public.archived_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE OR REPLACE FUNCTION public.attach_partition(parent text, part text, since timestamp with time zone, until timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'public', 'pg_temp'
AS $function$
begin
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, since, until);
end $function$
;

CREATE OR REPLACE FUNCTION public.ensure_archive_month(of timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'public', 'pg_temp'
 SET "TimeZone" TO 'UTC'
 SET "DateStyle" TO 'ISO'
AS $function$
declare
  since constant timestamptz := date_trunc('month', of);
  until constant timestamptz := since + interval '1 month';
  part text := 'archived_events_' || to_char(of, 'YYYYMM');
  gap record;
begin
  if of < '2020-01-01 00:00:00+00' or of >= '2100-01-01 00:00:00+00' then raise 'no archive month for %', of; end if;
  -- Asked for each batch: this is all it takes where the month is there, from its beginning to its end.
  if exists (select from pg_inherits join pg_class c on c.oid = inhrelid where inhrelid = to_regclass(part) and not inhdetachpending
    and pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (%L) TO (%L)', since, until)) then return; end if;
  if (select gap_from from partition_gap('archived_events', since, until)) is null then return; end if;
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  select * into gap from partition_gap('archived_events', since, until);
  if gap.gap_from is null then return; end if;
  if exists (select from partitions_of('archived_events') p where p.name = part) then
    part := 'archived_events_rest_' || to_char(of, 'YYYYMM');
  end if;
  if to_regclass(part) is null then perform make_partition('archived_events', part); end if;
  perform attach_partition('archived_events', part, gap.gap_from, gap.gap_to);
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

CREATE OR REPLACE FUNCTION public.refuse_change()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'the archive is append-only' using errcode = 'insufficient_privilege';
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

grant select on archived_events to reader;
grant insert, select on archived_events to service;
grant select on archived_tallies to reader;
grant insert, select on archived_tallies to service;
grant update (messages, id_sum) on archived_tallies to service;
grant select on command_sequences to reader;
grant insert, select on command_sequences to service;
grant update (used) on command_sequences to service;
grant select on dead_letters to reader;
grant delete, insert, select, update on dead_letters to service;
grant select on inbox to reader;
grant delete, insert, select on inbox to service;
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
grant select on positions to reader;
grant insert, select, update on positions to service;
grant select on received_tallies to reader;
grant delete, insert, select, update on received_tallies to service;
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
grant select on waiting_commands to reader;
grant delete, insert, select on waiting_commands to service;

grant execute on function attach_partition(text,text,timestamp with time zone,timestamp with time zone) to reader, service;
grant execute on function ensure_archive_month(timestamp with time zone) to service;
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
grant execute on function refuse_change() to service;
grant execute on function secret_kind(text) to reader, service;
grant execute on function typeid_uuid(text) to reader, service;
grant execute on function uuid_floor(timestamp with time zone) to reader, service;
grant execute on function uuid_tail(uuid) to reader, service;
grant execute on function uuid_time(uuid) to reader, service;
