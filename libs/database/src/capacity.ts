import type { Database } from './database.js';
import { statement } from './statement.js';

/** How many connections a service may have, and why not more. */
export interface Capacity {
  readonly limit: number;
  /** What sets the limit. */
  readonly bound: string;
  /** Connections that others have at this moment. */
  readonly others: number;
}

// Places that are kept for administrators are not for services. Whoever may not look at others' sessions can still count them.
const CAPACITY = statement(
  'database.capacity',
  `select
     current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
       - coalesce(current_setting('reserved_connections', true)::integer, 0) as server,
     (select nullif(datconnlimit, -1) from pg_database where datname = current_database()) as database,
     (select nullif(rolconnlimit, -1) from pg_roles where rolname = current_user) as role,
     (select sum(numbackends)::integer from pg_stat_database) as open`,
);

/** What the server, the database and the role allow. */
export async function capacityOf(db: Database): Promise<Capacity> {
  const [row] = await db.rows<{ server: number; database: number | null; role: number | null; open: number }>(CAPACITY);
  if (!row) throw new Error('the server did not tell its limits');
  const bounds: readonly (readonly [string, number | null])[] = [
    ['max_connections of the server, less those reserved', row.server],
    ['the connection limit of the database', row.database],
    ['the connection limit of the role', row.role],
  ];
  const [bound, limit] = bounds.reduce((a, b) => ((b[1] ?? Infinity) < (a[1] ?? Infinity) ? b : a));
  const own = db.pools().reduce((sum, { total }) => sum + total, 0);
  return { limit: limit ?? row.server, bound, others: row.open - own };
}
