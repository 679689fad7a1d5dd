/**
 * Partitions are made and retired in steps, each a short transaction that leaves something the next run goes on from:
 *
 *     make → attach                  a table of its own with the parent's columns, indexes and guards; then the parent's partition
 *     (finalize →) detach → drop     of tables that state how long they are kept; not while a row says that it is still needed
 *
 * What is due is read from the catalogue, never from a name or a note, so a step that was killed, or done by another, needs no repair.
 * Attaching keeps neither readers nor writers of the parent waiting; detaching locks it for a moment, which `lock_timeout` bounds.
 * All of it reckons in UTC, whatever the session's zone: `timestamptz + interval` is reckoned in that of the session, and in one with
 * summer time a month began an hour early or late.
 *
 * The service calls `partition_step` and may have done what is due, and nothing else. Those ending in `_at` are for the owner.
 */
export const PARTITION_UPKEEP = `
alter table maintained_partitions
  add column kept interval check (kept >= step),
  -- A condition on rows: a partition with such a row stays, however old it is.
  add column kept_while text;

-- Whose turn it is. Nothing depends on it being one only: each step locks and looks for itself.
create table partition_lease (
  only_row boolean primary key default true check (only_row),
  holder uuid,
  held_until timestamptz not null default '-infinity'
);
insert into partition_lease default values;

create function partitions_of(parent text)
returns table (name text, lower_bound timestamptz, upper_bound timestamptz, is_detaching boolean)
language sql stable set search_path = public, pg_temp set timezone = 'UTC' set datestyle = 'ISO' as $$
  select relname, coalesce(bounds[2]::timestamptz, '-infinity'), coalesce(bounds[4]::timestamptz, 'infinity'), inhdetachpending
  from pg_inherits join pg_class c on c.oid = inhrelid,
    regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \\((MINVALUE|''([^'']*)'')\\) TO \\((MAXVALUE|''([^'']*)'')\\)') as bounds
  where inhparent = to_regclass(quote_ident($1)) order by 2
$$;

-- The first stretch between two instants that no partition takes rows of; null where there is none.
create function partition_gap(parent text, since timestamptz, until timestamptz, out gap_from timestamptz, out gap_to timestamptz)
language plpgsql stable set search_path = public, pg_temp as $$
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
end $$;

create function is_partition_needed(part text, kept_while text) returns boolean
language plpgsql stable set search_path = public, pg_temp as $$
declare
  needed boolean := false;
begin
  if kept_while is not null then
    execute format('select exists (select from %I where %s)', part, kept_while) into needed;
  end if;
  return needed;
end $$;

create function partitions_due_at(at timestamptz, ahead integer)
returns table (action text, parent text, part text, lower_bound timestamptz, upper_bound timestamptz)
language plpgsql stable set search_path = public, pg_temp set timezone = 'UTC' set datestyle = 'ISO' as $$
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
        regexp_match(c.relname, '^' || parent || '_(rest_)?(\\d{' || length(kind.form) || '})$') as dated
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
end $$;

-- Beside its parent, so that nobody has to wait for it.
create function make_partition(parent text, part text) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  execute format('create table %I (like %I including all excluding identity)', part, parent);
  perform guard_partition(parent::regclass, part::regclass);
end $$;

create function attach_partition(parent text, part text, since timestamptz, until timestamptz) returns void
language plpgsql set search_path = public, pg_temp as $$
begin
  execute format('alter table %I attach partition %I for values from (%L) to (%L)', parent, part, since, until);
end $$;

-- With the rights of who calls it: the owner's.
create function partition_step_at(at timestamptz, ahead integer, wanted text, of text) returns boolean
language plpgsql set search_path = public, pg_temp set timezone = 'UTC' as $$
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
end $$;

create function partitions_due(ahead integer)
returns table (action text, parent text, part text, lower_bound timestamptz, upper_bound timestamptz)
-- Looks into partitions, which are nobody's but the owner's.
language sql stable security definer set search_path = public, pg_temp as $$ select * from partitions_due_at(now(), ahead) $$;

create function partition_step(ahead integer, wanted text, of text) returns boolean
-- Whoever waits for a lock makes all behind it wait: better a little later, or an hour.
language sql security definer set search_path = public, pg_temp set lock_timeout = '500ms' as $$
  select partition_step_at(now(), ahead, wanted, of)
$$;

-- All that is missing in one transaction, for set-up and by hand.
create function ensure_partitions_at(at timestamptz, ahead integer) returns integer
language plpgsql set search_path = public, pg_temp as $$
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
end $$;

create or replace function ensure_partitions(ahead integer) returns integer
language sql security definer set search_path = public, pg_temp set lock_timeout = '5s' as $$
  select ensure_partitions_at(now(), ahead)
$$;

create or replace function partitions_ahead() returns table (table_name text, partitions integer)
language plpgsql stable set search_path = public, pg_temp set timezone = 'UTC' as $$
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
end $$;
`;
