import { escapeIdentifier } from 'pg';
import type { EntityManager } from 'typeorm';
import { MIGRATIONS_TABLE, rightsTo, type Rights, type TableRights } from './rights.js';

/**
 * What every table and function begins with: the service reads and adds, the reader reads, and nobody else does anything.
 * Only what is the owner's own: extensions keep what they came with. What makes tables and drops them (`security definer`)
 * is the service's alone. The lock keeps a partition from being made meanwhile.
 */
const BEGIN_ANEW = `
do $$
declare
  app constant text := current_database();
  reader constant text := current_database() || '_reader';
  object record;
begin
  perform pg_advisory_xact_lock(hashtext('ensure_partitions'));
  for object in
    select oid::regclass as name, relispartition as is_partition from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and relowner = current_user::regrole
      and not (relispartition and relacl is null)
  loop
    execute format('revoke all on %s from public, %I, %I', object.name, app, reader);
    continue when object.is_partition;
    execute format('grant select, insert on %s to %I', object.name, app);
    execute format('grant select on %s to %I', object.name, reader);
  end loop;
  for object in
    select oid::regprocedure as name, prosecdef or prorettype = 'trigger'::regtype as is_internal from pg_proc
    where pronamespace = 'public'::regnamespace and proowner = current_user::regrole
  loop
    execute format('revoke all on function %s from public, %I, %I', object.name, app, reader);
    execute format('grant execute on function %s to %I', object.name, app);
    continue when object.is_internal;
    execute format('grant execute on function %s to %I', object.name, reader);
  end loop;
end $$`;

/** Brings the rights of the service's role and of the reader to what is stated, as the owner. All of it or nothing is seen. */
export async function grantRights(tx: EntityManager, database: string, rights: Rights): Promise<void> {
  await tx.query(BEGIN_ANEW);
  for (const table of [MIGRATIONS_TABLE, ...Object.keys(rights)]) {
    for (const change of changes(rightsTo(table, rights), escapeIdentifier(table), escapeIdentifier(database)))
      await tx.query(change);
  }
}

function changes({ insert, update, delete: remove }: TableRights, table: string, role: string): string[] {
  return [
    ...(insert === false ? [`revoke insert on ${table} from ${role}`] : []),
    ...(update === 'all' ? [`grant update on ${table} to ${role}`] : []),
    ...(Array.isArray(update)
      ? [`grant update (${update.map(escapeIdentifier).join(', ')}) on ${table} to ${role}`]
      : []),
    ...(remove ? [`grant delete on ${table} to ${role}`] : []),
  ];
}
