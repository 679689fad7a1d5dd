import { fromUuid, newUuid, uuidOf } from '@payflow/contracts';
import { statement, type Database, type Row, type Transaction } from '@payflow/database';
import type { Route, RouteMatch, RouteTarget } from '../routing/rule.js';

/** More than anybody can keep an eye on, and few enough to be looked through for every payment. */
export const ROUTES_MAX = 200;

const COLUMNS = 'id, tenant_id, livemode, name, priority, match, targets, prefer, window_min, exploration_percent';

const OF_TENANT = statement(
  'payments.routes',
  `select ${COLUMNS} from routes where livemode = $2 and (tenant_id = $1 or tenant_id is null) order by priority, name limit ${2 * ROUTES_MAX}`,
);

const ALL = statement(
  'payments.all-routes',
  `select ${COLUMNS} from routes order by livemode, tenant_id nulls first, priority, name`,
);

const PUT = statement(
  'payments.put-route',
  `insert into routes (id, tenant_id, livemode, name, priority, match, targets, prefer, window_min, exploration_percent, actor)
   select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
   where (select count(*) from routes where tenant_id is not distinct from $2 and livemode = $3 and name <> $4) < ${ROUTES_MAX}
   on conflict (tenant_id, livemode, name) do update set priority = excluded.priority, match = excluded.match,
     targets = excluded.targets, prefer = excluded.prefer, window_min = excluded.window_min,
     exploration_percent = excluded.exploration_percent, actor = excluded.actor, updated_at = clock_timestamp()`,
);

const HOLD = statement(
  'payments.hold-route',
  `select ${COLUMNS} from routes where tenant_id is not distinct from $1 and livemode = $2 and name = $3 for update`,
);

const REMOVE = statement(
  'payments.remove-route',
  `delete from routes where tenant_id is not distinct from $1 and livemode = $2 and name = $3 returning ${COLUMNS}`,
);

// Of one organisation in one mode: what others try, or somebody tries in a test space, says nothing of how a provider does with its
// payments, and is not its to know. What never left, for its time was over, is not its connector's failure. By `now()`: a clock that
// may go on within the statement is compared with every row of the index, and not looked up in it.
const OUTCOMES = statement(
  'payments.routed-outcomes',
  `select connector, extract(epoch from date_trunc('minute', created_at))::bigint / 60 as minute,
     count(*) filter (where status = 'approved') as succeeded, count(*) as tried
   from attempts
   where tenant_id = $1 and livemode = $2 and action in ('authorize', 'sale')
     and created_at >= date_trunc('minute', now()) - $3::integer * interval '1 minute'
     and connector is not null and sent_at is not null and status in ('approved', 'declined', 'unknown', 'not_sent')
   group by 1, 2`,
);

interface RouteRow extends Omit<Route, 'tenant' | 'match' | 'targets'> {
  readonly tenant_id: string | null;
  readonly match: RouteMatch;
  readonly targets: readonly RouteTarget[];
}

/** What is routed by for an organisation: its own routes and those of all. */
export async function findRoutes(db: Database, tenant: string, livemode: boolean): Promise<Route[]> {
  return (await db.rows<RouteRow>(OF_TENANT, [uuidOf('tenant', tenant), livemode])).map(toRoute);
}

/** Every route there is. */
export async function listRoutes(db: Database): Promise<Route[]> {
  return (await db.rows<RouteRow>(ALL)).map(toRoute);
}

/** Defines a route, or defines it anew. False when there are as many as there may be. */
export async function putRoute(db: Database | Transaction, route: Omit<Route, 'id'>, actor: string): Promise<boolean> {
  const { tenant, livemode, name, priority, match, targets, prefer, window_min, exploration_percent } = route;
  const count = await db.count(PUT, [
    newUuid(),
    tenant === null ? null : uuidOf('tenant', tenant),
    livemode,
    name,
    priority,
    JSON.stringify(match),
    JSON.stringify(targets),
    prefer,
    window_min,
    exploration_percent,
    actor,
  ]);
  return count > 0;
}

/** The route of that name, held until COMMIT; undefined where there is none. */
export async function findRoute(
  tx: Transaction,
  { tenant, livemode, name }: Pick<Route, 'tenant' | 'livemode' | 'name'>,
): Promise<Route | undefined> {
  const owner = tenant === null ? null : uuidOf('tenant', tenant);
  const [found] = await tx.rows<RouteRow>(HOLD, [owner, livemode, name]);
  return found && toRoute(found);
}

/** Returns it as it was; undefined where there was none of that name. */
export async function removeRoute(
  db: Database | Transaction,
  { tenant, livemode, name }: Pick<Route, 'tenant' | 'livemode' | 'name'>,
): Promise<Route | undefined> {
  const owner = tenant === null ? null : uuidOf('tenant', tenant);
  const [removed] = await db.rows<RouteRow>(REMOVE, [owner, livemode, name]);
  return removed && toRoute(removed);
}

/** Of one connector in one minute since 1970. */
export interface MinuteOutcomes {
  readonly connector: string;
  readonly minute: number;
  readonly succeeded: number;
  readonly tried: number;
}

interface OutcomesRow extends Row {
  readonly connector: string;
  readonly minute: bigint;
  readonly succeeded: bigint;
  readonly tried: bigint;
}

/**
 * How connectors have ended so far what an organisation's payments of one mode were routed to them for in the last so many minutes, by
 * the minute in which it was begun; whole minutes alone.
 */
export async function routedOutcomes(
  db: Database,
  { tenant, livemode }: { readonly tenant: string; readonly livemode: boolean },
  minutes: number,
): Promise<MinuteOutcomes[]> {
  const rows = await db.rows<OutcomesRow>(OUTCOMES, [uuidOf('tenant', tenant), livemode, minutes]);
  return rows.map(({ connector, minute, succeeded, tried }) => ({
    connector,
    minute: Number(minute),
    succeeded: Number(succeeded),
    tried: Number(tried),
  }));
}

function toRoute({ id, tenant_id, ...row }: RouteRow): Route {
  return { ...row, id, tenant: tenant_id === null ? null : fromUuid('tenant', tenant_id) };
}
