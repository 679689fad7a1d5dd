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
