import { statement, unprepared, type Database } from '@payflow/database';
import { countRows } from './gateway-under-test.js';

/**
 * What a refused request may leave: that it was asked, and how often who asks has come. And what no request changes: the places of
 * consumers and relays, and the tallies by which they are compared.
 */
const OF_THE_HOUSE = [
  ...['request_log', 'login_failures', 'api_key_uses', 'api_key_networks'],
  ...['inbox', 'positions', 'partition_lease', 'maintained_partitions', 'marks_began', 'sent_horizon'],
  ...['received_tallies', 'sent_tallies', 'archived_tallies', 'outbox'],
];

const TABLES = statement(
  'spec.tables',
  `select c.relname::text as name from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
     and not c.relispartition and c.relname <> all ($1::text[]) order by 1`,
);

/**
 * How many rows each table has, and how many messages there are to be sent: what a refused request must not change, wherever it
 * would have been. For specs that have nothing on its way when they count. `made`: tables in which a spec makes rows itself meanwhile.
 */
export async function countAllRows(
  db: Database,
  made: readonly string[] = [],
): Promise<Readonly<Record<string, number>>> {
  const tables = await db.rows<{ name: string }>(TABLES, [[...OF_THE_HOUSE, ...made]]);
  const counts = tables.map(({ name }) => `select '${name}' as name, count(*)::integer as rows from ${name}`);
  const rows = await db.rows<{ name: string; rows: number }>(unprepared('spec.rows', counts.join(' union all ')));
  const { places, messages } = await countRows(db);
  return { ...Object.fromEntries(rows.map((row) => [row.name, row.rows])), places, messages };
}
