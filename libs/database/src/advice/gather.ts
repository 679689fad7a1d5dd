import { escapeIdentifier } from 'pg';
import { explain, type Explaining, type PlanNode } from '../care/explain.js';
import { statisticsSchema } from '../care/statement-statistics.js';
import { sqlState } from '../errors.js';
import { namedStatements } from '../statement.js';
import { readCatalogue } from './catalogue.js';
import type { DatabaseFacts, StatementFacts, TableFacts } from './facts.js';
import { scansOf, type KnownTable } from './plan-scans.js';
import { StatementNames } from './statement-text.js';

/** Those that took most of the server's time: what comes after them is not worth an index. */
const STATEMENTS_MAX = 200;
/** Explaining one takes a millisecond or so of the server's time. */
const EXPLAINED_MAX = 80;

interface Counted {
  readonly text: string;
  readonly calls: number;
  readonly rows: number;
  readonly mean_ms: number;
  readonly total_ms: number;
}

interface Server {
  readonly at: Date;
  readonly since: Date;
  readonly bytes: number;
  readonly freezeAgeMax: number;
}

// Where nobody has reset them, the counts are as old as the server's start at least.
const SERVER = `
select clock_timestamp() as at, coalesce(s.stats_reset, pg_postmaster_start_time()) as since,
  pg_database_size(current_database())::float8 as bytes, current_setting('autovacuum_freeze_max_age')::float8 as "freezeAgeMax"
from pg_stat_database s where s.datname = current_database()`;

/**
 * Reads what advice follows from, as the service's own role: its catalogue, its counts, and the plans of the statements that it
 * executed most. Changes nothing, and runs none of them.
 */
export async function gatherFacts(client: Explaining): Promise<DatabaseFacts> {
  const { rows } = await client.query<Server>(SERVER);
  const { at, bytes, freezeAgeMax, ...server } = rows[0] as Server;
  const { tables, indexes } = await readCatalogue(client);
  const workload = await countedStatements(client);
  return {
    ...{ at, bytes, freezeAgeMax, tables, indexes },
    since: workload.first && workload.first > server.since ? workload.first : server.since,
    uncounted: workload.uncounted,
    statements: await withPlans(client, workload.statements, tables),
  };
}

interface Workload {
  readonly uncounted: string | undefined;
  readonly statements: readonly Counted[];
  /** When the first statement was counted: a database of yesterday may lie on a server of last year. */
  readonly first?: Date | undefined;
}

/** The statements of the role that is connected, the costliest first, or why they are not counted. */
export async function countedStatements(client: Explaining): Promise<Workload> {
  const schema = await statisticsSchema(client);
  if (schema === undefined) return { uncounted: 'the extension pg_stat_statements is not there', statements: [] };
  try {
    const { rows } = await client.query<Counted>(
      `select query as text, sum(calls)::float8 as calls, sum(rows)::float8 as rows,
         sum(total_exec_time) / sum(calls) as mean_ms, sum(total_exec_time) as total_ms
       from ${escapeIdentifier(schema)}.pg_stat_statements
       where dbid = (select oid from pg_database where datname = current_database()) and userid = current_user::regrole
         and toplevel and query ~* '^\\s*(select|with|insert|update|delete)\\y'
       group by query order by total_ms desc limit ${STATEMENTS_MAX}`,
    );
    return { uncounted: undefined, statements: rows, first: await firstCounted(client, schema) };
  } catch (error) {
    return { uncounted: `pg_stat_statements cannot be read (${sqlState(error) ?? 'unreachable'})`, statements: [] };
  }
}

/** Told from version 1.11 of the extension on, which came with Postgres 17. */
async function firstCounted(client: Explaining, schema: string): Promise<Date | undefined> {
  const view = `${escapeIdentifier(schema)}.pg_stat_statements`;
  const { rows: known } = await client.query(
    `select from pg_attribute where attrelid = $1::regclass and attname = 'stats_since'`,
    [view],
  );
  if (known.length === 0) return undefined;
  const { rows } = await client.query<{ first: Date | null }>(
    `select min(stats_since) as first from ${view} where dbid = (select oid from pg_database where datname = current_database())`,
  );
  return rows[0]?.first ?? undefined;
}

async function withPlans(
  client: Explaining,
  statements: readonly Counted[],
  tables: readonly TableFacts[],
): Promise<StatementFacts[]> {
  const names = new StatementNames(namedStatements());
  const known = knownTables(tables);
  const facts: StatementFacts[] = [];
  for (const [at, counted] of statements.entries()) {
    const own = names.find(counted.text);
    const text = own?.text ?? counted.text;
    const plan = at < EXPLAINED_MAX ? await planOf(client, text, known) : undefined;
    facts.push({ ...counted, name: own?.name, text, plannedRows: plan?.rows, scans: plan?.scans ?? [] });
  }
  return facts;
}

async function planOf(client: Explaining, text: string, known: (relation: string) => KnownTable | undefined) {
  try {
    const planned = await explain(client, text, { settings: ['enable_partition_pruning = off'] });
    const isPartitioned = scansOf(planned, planned, known).some(({ partitions }) => partitions !== null);
    const pruned = isPartitioned ? await explain(client, text) : planned;
    return { rows: rowsOf(planned), scans: scansOf(planned, pruned, known) };
  } catch {
    // The text of one of the service's own statements can always be explained; one with a constant taken out of it, not always.
    return undefined;
  }
}

/** What a statement without RETURNING writes is not what it returns. */
function rowsOf(plan: PlanNode): number | undefined {
  return plan['Node Type'] === 'ModifyTable' ? undefined : plan['Plan Rows'];
}

function knownTables(tables: readonly TableFacts[]): (relation: string) => KnownTable | undefined {
  const siblings = new Map<string, number>();
  for (const { partitionOf, isPartitioned } of tables)
    if (partitionOf !== null && !isPartitioned) siblings.set(partitionOf, (siblings.get(partitionOf) ?? 0) + 1);
  const keys = new Map(tables.map(({ name, partitionKey }) => [name, partitionKey]));
  const byName = new Map(
    tables.map(({ name, partitionOf, columns }): [string, KnownTable] => {
      const table = partitionOf ?? name;
      return [name, { table, columns, siblings: siblings.get(table) ?? 0, key: keys.get(table) ?? [] }];
    }),
  );
  return (relation) => byName.get(relation);
}
