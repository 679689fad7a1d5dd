import { SqlMigration } from '@payflow/database';

/**
 * For what is written on the strength of a memory, together with COMMIT: where the rows found are fewer than were remembered, the
 * statement fails, and COMMIT with it. SQLSTATE PF001 is ours: no class of the server's begins so.
 */
export class LedgerAsRemembered1764100070001 extends SqlMigration {
  readonly sql = `
create function all_as_remembered(met bigint, remembered integer) returns boolean
language plpgsql immutable set search_path = pg_catalog, pg_temp as $$
begin
  if met = remembered then return true; end if;
  raise exception using errcode = 'PF001', message = 'a row is not as it was remembered';
end $$;
`;
}
