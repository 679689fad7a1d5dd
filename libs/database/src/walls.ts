import type { Pool, PoolClient } from 'pg';
import { sendStatement } from './send-statement.js';

/** Whom a connection of the service's own machinery speaks for: consumers, relay, sweepers, checks, groups of several tenants' writes. */
export const EVERY_TENANT = '*';

/** A UUID, so that the server can compare it with a column; or {@link EVERY_TENANT}. */
export type Tenant = string;

/** Prepared, so that the server's statistics see one statement and not one for each tenant. */
const SAY = { name: 'database.say-tenant', text: `select set_config('payflow.tenant', $1, false)` } as const;

/** What each connection said last. A new one has said nothing, and is shown nothing. */
const said = new WeakMap<PoolClient, Tenant>();

/** Whether the connection said last that it speaks for the tenant. */
export function speaksFor(client: PoolClient, tenant: Tenant): boolean {
  return said.get(client) === tenant;
}

/**
 * Has the connection speak for a tenant from now on. Sent ahead of whatever is sent next, without waiting; undefined where it said
 * so last time, and nothing is sent. Where the promise rejects, what was sent behind it must not be believed.
 */
export function speakFor(client: PoolClient, tenant: Tenant): Promise<unknown> | undefined {
  if (speaksFor(client, tenant)) return undefined;
  said.set(client, tenant);
  return sendStatement(client, SAY, [tenant]).catch((error: unknown) => {
    said.delete(client);
    throw error;
  });
}

interface Idle {
  readonly client: PoolClient;
}

/**
 * Has the pool hand out next, among its idle connections, one that speaks for the tenant already. The pool takes the last of its
 * list; which one that is makes no difference to it.
 */
export function preferSpeaking(pool: Pool, tenant: Tenant): void {
  const { _idle: idle } = pool as unknown as { readonly _idle: Idle[] };
  const at = idle.findLastIndex(({ client }) => speaksFor(client, tenant));
  if (at >= 0 && at < idle.length - 1) idle.push(...idle.splice(at, 1));
}

/** The pool as the ORM is to see it: whatever it is given speaks for every tenant, whoever had it before. */
export function forOrm(pool: Pool): Pool {
  const connect = (done: (error: Error | undefined, client?: PoolClient, release?: () => void) => void): void =>
    pool.connect((error, client, release) => {
      // Where it fails, so does what comes behind it on the same connection.
      if (client) speakFor(client, EVERY_TENANT)?.catch(() => undefined);
      done(error, client, release);
    });
  return new Proxy(pool, {
    get: (target, property) => {
      if (property === 'connect') return connect;
      const value: unknown = Reflect.get(target, property);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/**
 * Row-level security for every table that says whose its rows are. `raise_walls` is run again after each set-up, so that a table
 * that comes with a later migration has its wall from the first moment.
 *
 * `tenant_id`: a row is seen and written where the connection speaks for its tenant, or for all. `tenant`: what messages leave
 * behind, which is the machinery's alone. The setting stands in a scalar sub-select, so it is looked at once per statement; and
 * in a CASE, which the planner takes for a coin toss: an OR it would take for something rare, and turn to other plans.
 * Whoever only reads (`…_reader`) is an operator, and sees all. The owner is bound by none of it.
 */
export const WALLS = `
create function raise_walls() returns integer
language plpgsql set search_path = public, pg_temp as $$
declare
  walled record;
  raised integer := 0;
begin
  for walled in
    select c.oid::regclass as name, bool_or(a.attname = 'tenant_id') as is_tenants
    from pg_class c join pg_attribute a on a.attrelid = c.oid
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
      and a.attname in ('tenant_id', 'tenant') and not a.attisdropped
      and not exists (select from pg_policy p where p.polrelid = c.oid and p.polname = 'tenant_wall')
    group by c.oid order by c.oid
  loop
    execute format('alter table %s enable row level security', walled.name);
    execute format('create policy tenant_wall on %s using (%s)', walled.name, case when walled.is_tenants
      then $policy$case when (select current_setting('payflow.tenant', true)) = '*' then true
        else tenant_id = (select nullif(nullif(current_setting('payflow.tenant', true), '*'), '')::uuid) end$policy$
      else $policy$(select current_setting('payflow.tenant', true)) = '*'$policy$ end);
    execute format('create policy reader on %s for select to %I using (true)', walled.name, current_database() || '_reader');
    raised := raised + 1;
  end loop;
  return raised;
end $$;
`;

/** Run after the migrations: those tables that have no wall get theirs. Only where the service has walls at all. */
export const RAISE_WALLS = `
do $$ begin
  if to_regprocedure('raise_walls()') is not null then perform raise_walls(); end if;
end $$`;
