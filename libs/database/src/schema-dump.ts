import { Client } from 'pg';

/**
 * The schema as text, from the catalogue alone: tables with columns and constraints, indexes, triggers, functions, and who may do
 * what, roles by what they are for. Stable across runs and without dated partitions, so that it can stand in git and be diffed.
 * (The bundled server brings no pg_dump.)
 */
export async function dumpSchema(url: string): Promise<string> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const parts: string[] = [];
    for (const query of [
      TABLES,
      VIEWS,
      INDEXES,
      STATISTICS,
      TRIGGERS,
      POLICIES,
      FUNCTIONS,
      TABLE_GRANTS,
      FUNCTION_GRANTS,
    ]) {
      const { rows } = await client.query<{ text: string }>(query);
      parts.push(...rows.map((row) => row.text));
    }
    return `${parts.join('\n\n')}\n`;
  } finally {
    await client.end();
  }
}

const TABLES = `
select 'create table ' || c.relname || E' (\\n' || (
    select string_agg(line, E',\\n' order by kind, position, line) from (
      select 1 as kind, a.attnum as position, '  ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || case when a.attidentity <> '' then ' generated always as identity' else '' end
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
      from pg_attribute a left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      union all
      select 2, 0, '  constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
      from pg_constraint k where k.conrelid = c.oid and k.contype in ('p', 'u', 'c', 'f')
    ) lines
  ) || E'\\n)' || case when c.relkind = 'p' then ' partition by ' || pg_get_partkeydef(c.oid) else '' end || ';' as text
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by c.relname`;

const VIEWS = `
select 'create view ' || c.relname || E' as\\n' || pg_get_viewdef(c.oid) as text
from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind = 'v'
  and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'e')
order by c.relname`;

const INDEXES = `
select pg_get_indexdef(i.indexrelid) || ';' as text
from pg_index i join pg_class c on c.oid = i.indrelid join pg_class x on x.oid = i.indexrelid
where c.relnamespace = 'public'::regnamespace and not c.relispartition
  and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
order by x.relname`;

const STATISTICS = `select pg_get_statisticsobjdef(oid) || ';' as text from pg_statistic_ext order by stxname`;

const TRIGGERS = `
select pg_get_triggerdef(t.oid) || ';' as text
from pg_trigger t join pg_class c on c.oid = t.tgrelid
where c.relnamespace = 'public'::regnamespace and not t.tgisinternal and not c.relispartition
order by c.relname, t.tgname`;

/** One kind of wall on many tables is told once, with their names. */
const POLICIES = `
select string_agg('-- ' || name || E'\\n', '' order by name) || 'policy ' || policy || ';' as text from (
  select c.relname as name, p.polname || ' for ' || case p.polcmd when '*' then 'all' when 'r' then 'select' else p.polcmd::text end
    || ' to ' || (select string_agg(case when role = 0 then 'public' else replace(pg_get_userbyid(role), current_database() || '_', '') end, ', ')
        from unnest(p.polroles) as role)
    || coalesce(' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
    || coalesce(' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', '')
    || case when c.relrowsecurity then '' else ' DISABLED' end as policy
  from pg_policy p join pg_class c on c.oid = p.polrelid where c.relnamespace = 'public'::regnamespace) as policies
group by policy order by policy`;

const FUNCTIONS = `
select pg_get_functiondef(p.oid) || ';' as text
from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' order by p.proname`;

/** `payflow_ledger_reader` is the reader, whatever the prefix; the database has the service's name. */
const ROLE = `case when g.grantee = 0 then 'public' when r.rolname = current_database() then 'service'
  else replace(r.rolname, current_database() || '_', '') end`;

// The owner's own rights are not told: it has them all. Those to partitions are: there should be none.
const TABLE_GRANTS = `
select string_agg('grant ' || privileges || ' on ' || name || ' to ' || role || ';', E'\\n' order by name, role, privileges) as text from (
  select c.relname as name, ${ROLE} as role, string_agg(lower(g.privilege_type), ', ' order by lower(g.privilege_type)) as privileges
  from pg_class c, lateral aclexplode(c.relacl) g left join pg_roles r on r.oid = g.grantee
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v') and g.grantee <> c.relowner
  group by c.relname, role
  union all
  select c.relname, ${ROLE}, lower(g.privilege_type) || ' (' || string_agg(a.attname, ', ' order by a.attnum) || ')'
  from pg_class c join pg_attribute a on a.attrelid = c.oid, lateral aclexplode(a.attacl) g left join pg_roles r on r.oid = g.grantee
  where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not a.attisdropped
  group by c.relname, 2, g.privilege_type) as granted
having count(*) > 0`;

const FUNCTION_GRANTS = `
select string_agg('grant execute on function ' || name || ' to ' || roles || ';', E'\\n' order by name) as text from (
  select p.oid::regprocedure::text as name, string_agg(${ROLE}, ', ' order by ${ROLE}) as roles
  from pg_proc p, lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g left join pg_roles r on r.oid = g.grantee
  where p.pronamespace = 'public'::regnamespace and p.prokind = 'f' and g.grantee <> p.proowner
  group by p.oid) as granted
having count(*) > 0`;
