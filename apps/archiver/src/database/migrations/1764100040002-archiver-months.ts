import { SqlMigration } from '@payflow/database';

/**
 * A month that only a wrong clock asks for is made as the coming ones are: beside the archive and then attached, so that nobody
 * waits for it, and with the bounds of UTC whatever the session's zone. A function only: locks nothing.
 */
export class ArchiverMonths1764100040002 extends SqlMigration {
  readonly sql = `
create or replace function ensure_archive_month(of timestamptz) returns void
language plpgsql security definer set search_path = public, pg_temp set timezone = 'UTC' as $$
declare
  part text := 'archived_events_' || to_char(of, 'YYYYMM');
  gap record;
begin
  if of < '2020-01-01 00:00:00+00' or of >= '2100-01-01 00:00:00+00' then raise 'no archive month for %', of; end if;
  -- Asked for each batch: this is all it takes where the month is there.
  if exists (select from pg_inherits where inhrelid = to_regclass(part) and not inhdetachpending) then return; end if;
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  select * into gap from partition_gap('archived_events', date_trunc('month', of), date_trunc('month', of) + interval '1 month');
  if gap.gap_from is null then return; end if;
  if to_regclass(part) is null then perform make_partition('archived_events', part); end if;
  perform attach_partition('archived_events', part, gap.gap_from, gap.gap_to);
end $$;
`;
}
