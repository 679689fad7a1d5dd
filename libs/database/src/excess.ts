import type { Database } from './database.js';
import { rightsTo, type Rights, type TableRights } from './rights.js';
import { statement } from './statement.js';

/** Something that a role can do and need not, and the statement that takes it away. */
export interface Excess {
  readonly ability: string;
  readonly remedy: string;
  /** What another version of the service may need; all else is no service's. */
  readonly isGrant: boolean;
}

const ROLE = statement('rights.role', 'select session_user::text as role');

/** The role that logged in and all that it may become: what it can do by SET ROLE, it can do. */
const ABLE = `
with me as materialized (select oid, rolsuper from pg_roles where rolname = session_user),
able as materialized (
  select r.oid, r.rolname from pg_roles r, me where r.oid = me.oid or (not me.rolsuper and pg_has_role(me.oid, r.oid, 'member')))`;

const ATTRIBUTES = statement(
  'rights.attributes',
  `${ABLE}
   select a.rolname as role, found.attribute from able a join pg_roles r using (oid), lateral (values
     ('superuser', r.rolsuper), ('bypassrls', r.rolbypassrls), ('createrole', r.rolcreaterole), ('createdb', r.rolcreatedb),
     ('replication', r.rolreplication)) as found (attribute, has)
   where found.has and (not r.rolsuper or found.attribute = 'superuser') order by a.rolname, found.attribute`,
);

// Owners, who can do anything to their tables, and the server's own roles that write everywhere or reach its files.
const MEMBERSHIPS = statement(
  'rights.memberships',
  `${ABLE}
   select rolname as role, rolname = session_user as "isItself", exists (select from pg_class c where c.relowner = able.oid
     and c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')) as "ownsTables"
   from able
   where rolname in ('pg_write_all_data', 'pg_execute_server_program', 'pg_write_server_files', 'pg_read_server_files')
     or exists (select from pg_class c where c.relowner = able.oid and c.relnamespace = 'public'::regnamespace)
     or exists (select from pg_database d where d.datdba = able.oid and d.datname = current_database())
   order by 1`,
);

const ELSEWHERE = statement(
  'rights.elsewhere',
  `${ABLE}
   select distinct found.ability, found.remedy from able, lateral (values
     ('make tables in its schema', 'create on schema public', has_schema_privilege(able.oid, 'public', 'create')),
     ('make schemas in its database', format('create on database %I', current_database()),
       has_database_privilege(able.oid, current_database(), 'create')),
     ('switch triggers off', 'set on parameter session_replication_role',
       has_parameter_privilege(able.oid, 'session_replication_role', 'set'))) as found (ability, remedy, has)
   where found.has order by 1`,
);

const TABLES = statement(
  'rights.tables',
  `${ABLE}
   select c.relname as name, c.relispartition as "isPartition",
     array (select p from unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as p
       where exists (select from able where has_table_privilege(able.oid, c.oid, p))) as privileges,
     array (select a.attname::text from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
       and exists (select from able where has_column_privilege(able.oid, c.oid, a.attnum, 'update')) order by a.attnum) as "updatable"
   from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') order by c.relname`,
);

/** Partitions are written through the table they belong to. */
const NONE: TableRights = { insert: false };

interface TableRow {
  readonly name: string;
  readonly isPartition: boolean;
  readonly privileges: readonly string[];
  readonly updatable: readonly string[];
}

/**
 * What the role that `db` is open as can do beyond `rights`; empty when it is what `payflow setup` makes. A role that stands
 * above all grants is not looked at table by table.
 */
export async function excessOf(db: Database, rights: Rights): Promise<Excess[]> {
  const role = (await db.rows<{ role: string }>(ROLE))[0]?.role ?? '';
  const above = [...(await attributes(db, role)), ...(await memberships(db, role))];
  if (above.length > 0) return above;
  const elsewhere = await db.rows<{ ability: string; remedy: string }>(ELSEWHERE);
  const tables = await db.rows<TableRow>(TABLES);
  return [
    ...elsewhere.map(({ ability, remedy }) => ({
      ability: `can ${ability}`,
      remedy: `revoke ${remedy} from ${role}`,
      isGrant: false,
    })),
    ...tables.flatMap((table) => excessOn(table, rights, role)),
  ];
}

async function attributes(db: Database, role: string): Promise<Excess[]> {
  const rows = await db.rows<{ role: string; attribute: string }>(ATTRIBUTES);
  return rows.map((row) => ({
    ability: row.role === role ? `is ${row.attribute}` : `may become ${row.role}, which is ${row.attribute}`,
    remedy: row.role === role ? `alter role ${role} no${row.attribute}` : `revoke ${row.role} from ${role}`,
    isGrant: false,
  }));
}

async function memberships(db: Database, role: string): Promise<Excess[]> {
  const rows = await db.rows<{ role: string; isItself: boolean; ownsTables: boolean }>(MEMBERSHIPS);
  return rows.map((row) => {
    const isGrant = false;
    if (row.isItself)
      return { ability: 'owns the tables', remedy: `reassign owned by ${role} to another role`, isGrant };
    const what = row.ownsTables ? ', which owns the tables' : '';
    return { ability: `may become ${row.role}${what}`, remedy: `revoke ${row.role} from ${role}`, isGrant };
  });
}

function excessOn(table: TableRow, rights: Rights, role: string): Excess[] {
  const { insert, update, delete: remove } = table.isPartition ? NONE : rightsTo(table.name, rights);
  const allowed = new Set([
    ...(insert === false ? [] : ['insert']),
    ...(update === 'all' ? ['update'] : []),
    ...(remove ? ['delete'] : []),
  ]);
  const whole = table.privileges.filter((privilege) => !allowed.has(privilege));
  const columns = table.updatable.filter((column) => update !== 'all' && !update?.includes(column));
  // Revoking a column does nothing to a right to the whole table, and revoking that takes the columns with it.
  const single = columns.length > 0 && !whole.includes('update') ? [`update (${columns.join(', ')})`] : [];
  const given = typeof update === 'object' ? `; grant update (${update.join(', ')}) on ${table.name} to ${role}` : '';
  return [...whole, ...single].map((privilege) => ({
    ability: `has ${privilege.replace(/^\w+/, (word) => word.toUpperCase())} on ${table.name}`,
    remedy: `revoke ${privilege} on ${table.name} from ${role}${privilege === 'update' ? given : ''}`,
    isGrant: true,
  }));
}
