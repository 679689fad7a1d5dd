import { SqlMigration } from '@payflow/database';

/**
 * A month that was once made in a zone with summer time may end an hour early: its partition is there, and has no place for that
 * hour. What asks for one in it gets the rest of the month beside it. A function only: locks nothing.
 */
export class ArchiverMonthBounds1764700000062 extends SqlMigration {
  readonly sql = `
create or replace function ensure_archive_month(of timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' set datestyle = 'ISO' as $$
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
end $$;
`;
}
