import { SqlMigration } from '@payflow/database';

/** Nobody empties a month of the archive, owner included. The triggers lock the archive against writes for a moment. */
export class ArchiverGuards1763700013001 extends SqlMigration {
  readonly sql = `
select guard_history('archived_events', 'refuse_change');

create or replace function ensure_archive_month(of timestamptz) returns void
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
  perform guard_partition('archived_events', partition_name::regclass);
end $$;
`;
}
