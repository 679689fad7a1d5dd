/**
 * Runtime DDL without owning anything: a `security definer` function of the owner makes and drops range partitions of
 * the tables listed in `maintained_partitions`, and only of those. Each migration that makes a partitioned table adds it.
 */
export const PARTITION_FUNCTIONS = `
create table maintained_partitions (
  table_name text primary key,
  step interval not null check (step in ('1 day', '1 month'))
);

create function ensure_partitions(ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  parent record;
  lower_bound timestamptz;
  partition_name text;
  made integer := 0;
begin
  -- One maintainer at a time: two services of one kind start together.
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  for parent in select table_name, step from maintained_partitions loop
    for i in -1 .. ahead loop
      lower_bound := date_trunc(case when parent.step = '1 day' then 'day' else 'month' end, now(), 'UTC') + i * parent.step;
      partition_name := parent.table_name || '_' ||
        to_char(lower_bound at time zone 'UTC', case when parent.step = '1 day' then 'YYYYMMDD' else 'YYYYMM' end);
      continue when to_regclass(partition_name) is not null;
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        partition_name, parent.table_name, lower_bound, lower_bound + parent.step);
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$;
`;

/**
 * Row triggers come to each partition by themselves; those of TRUNCATE are a statement's and do not. `guard_history` puts one on a
 * table and its partitions, `guard_partition` on a partition that is new, as `ensure_partitions` calls it from here on.
 * `partitions_ahead` counts the steps after the present one that have their partition, without a gap; -1 where the present has none.
 */
export const TRUNCATE_GUARDS = `
create function guard_partition(history regclass, part regclass) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  guard record;
begin
  for guard in
    select tgname as name, tgfoid::regproc as handler from pg_trigger where tgrelid = history and not tgisinternal and tgtype & 32 <> 0
  loop
    execute format('create trigger %I before truncate on %s for each statement execute function %s()', guard.name, part, guard.handler);
  end loop;
end $$;

create function guard_history(history regclass, handler regproc) returns void
language plpgsql set search_path = public, pg_temp as $$
declare
  part regclass;
begin
  execute format('create trigger %I before truncate on %s for each statement execute function %s()',
    history::text || '_never_truncated', history, handler);
  for part in select inhrelid::regclass from pg_inherits where inhparent = history loop
    perform guard_partition(history, part);
  end loop;
end $$;

create or replace function ensure_partitions(ahead integer) returns integer
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  parent record;
  lower_bound timestamptz;
  partition_name text;
  made integer := 0;
begin
  -- One maintainer at a time: two services of one kind start together.
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  for parent in select table_name, step from maintained_partitions loop
    for i in -1 .. ahead loop
      lower_bound := date_trunc(case when parent.step = '1 day' then 'day' else 'month' end, now(), 'UTC') + i * parent.step;
      partition_name := parent.table_name || '_' ||
        to_char(lower_bound at time zone 'UTC', case when parent.step = '1 day' then 'YYYYMMDD' else 'YYYYMM' end);
      continue when to_regclass(partition_name) is not null;
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        partition_name, parent.table_name, lower_bound, lower_bound + parent.step);
      perform guard_partition(parent.table_name::regclass, partition_name::regclass);
      made := made + 1;
    end loop;
  end loop;
  return made;
end $$;

create function partitions_ahead() returns table (table_name text, partitions integer)
language plpgsql stable set search_path = public, pg_temp as $$
declare
  parent record;
  at timestamptz;
begin
  for parent in select m.table_name as name, m.step from maintained_partitions m order by 1 loop
    table_name := parent.name;
    partitions := -1;
    loop
      at := date_trunc(case when parent.step = '1 day' then 'day' else 'month' end, now(), 'UTC') + (partitions + 1) * parent.step;
      exit when to_regclass(parent.name || '_' ||
        to_char(at at time zone 'UTC', case when parent.step = '1 day' then 'YYYYMMDD' else 'YYYYMM' end)) is null;
      partitions := partitions + 1;
    end loop;
    return next;
  end loop;
end $$;
`;
