import { SqlMigration } from '@payflow/database';

/** Which transfer stands in the place of another. A new column without a default, and checks over a small table. */
export class LedgerCorrections1763700014001 extends SqlMigration {
  readonly sql = `
alter table reversals
  add column corrected_by_id uuid,
  -- What has been corrected has been moved back whole, so that nothing more can be.
  add constraint reversals_corrected_whole check (corrected_by_id is null or reversed_minor = amount_minor);
create unique index reversals_by_correction on reversals (tenant_id, livemode, corrected_by_id) where corrected_by_id is not null;

create function refuse_second_correction() returns trigger language plpgsql as $$
begin
  if old.corrected_by_id is not null then
    raise exception 'a transfer is corrected once' using errcode = 'integrity_constraint_violation';
  end if;
  return new;
end $$;
create trigger reversals_corrected_once before update on reversals for each row execute function refuse_second_correction();
`;
}
