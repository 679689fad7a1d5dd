import { statementNamed } from '@payflow/database';
import type { Client } from 'pg';
import type { IndexUse } from './index-use.js';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
  readonly 'Relation Name'?: string;
  readonly 'Subplans Removed'?: number;
  readonly 'Actual Loops': number;
  readonly Plans?: readonly PlanNode[];
}

interface Explained {
  readonly Plan: PlanNode;
  readonly 'Execution Time': number;
}

/** How a query was carried out. */
export interface Execution {
  readonly time_ms: number;
  /** Those of partitions under the name of the whole. */
  readonly indexes: ReadonlySet<string>;
  /** How tables were read, each way once, with how many of them were. */
  readonly plan: string;
  /** Tables that were read, a partition being one. */
  readonly tables: number;
  /** Partitions that the plan has, and its values ruled out. */
  readonly pruned: number;
}

/** A query with its parameters, as SQL. */
export interface Query {
  readonly text: string;
  readonly values: readonly string[];
  /** Planned for these values, as what is asked seldom is; otherwise for any, as a pool comes to plan what it asks again and again. */
  readonly isPlannedForValues?: boolean;
}

/** Carries out a registered query with the plan for any values, unless it goes otherwise by itself. `meanwhile` is true of the database for as long as it takes. */
export function execute(admin: Client, { query, values = [], before }: IndexUse, meanwhile = ''): Promise<Execution> {
  return explained(admin, { text: statementNamed(query).text, values }, `${meanwhile};${before?.text ?? ''}`);
}

/** Carries out a query. Nothing of what it changes is kept. */
export async function explained(
  admin: Client,
  { text, values, isPlannedForValues = false }: Query,
  first = '',
): Promise<Execution> {
  const mode = isPlannedForValues ? 'force_custom_plan' : 'force_generic_plan';
  await admin.query(`begin; set local plan_cache_mode = ${mode}; ${first}`);
  try {
    await admin.query(`prepare explained as ${text}`);
    const call = `explained${values.length > 0 ? `(${values.join(', ')})` : ''}`;
    const { rows } = await admin.query<{ 'QUERY PLAN': [Explained] }>(
      `explain (analyze, timing off, format json) execute ${call}`,
    );
    const [{ Plan, 'Execution Time': time_ms }] = (rows[0] as (typeof rows)[number])['QUERY PLAN'];
    const nodes = flat(Plan);
    const used = [...new Set(nodes.flatMap((node) => node['Index Name'] ?? []))];
    const wholeOf = await wholes(admin, used);
    const read = nodes.filter((node) => node['Relation Name'] && node['Actual Loops'] > 0);
    return {
      time_ms,
      indexes: new Set(wholeOf.values()),
      plan: summary(nodes, wholeOf),
      tables: new Set(read.map((node) => node['Relation Name'])).size,
      pruned: nodes.reduce((sum, node) => sum + (node['Subplans Removed'] ?? 0), 0),
    };
  } finally {
    await admin.query('rollback');
    await admin.query('deallocate all');
  }
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}

function summary(nodes: readonly PlanNode[], wholeOf: ReadonlyMap<string, string>): string {
  const ways = new Map<string, number>();
  for (const node of nodes.filter((each) => / Scan$/.test(each['Node Type']) && each['Actual Loops'] > 0)) {
    const index = node['Index Name'];
    if (index === undefined && node['Relation Name'] === undefined) continue;
    const of = index === undefined ? ofTable(node['Relation Name'] as string) : (wholeOf.get(index) ?? index);
    const way = node['Node Type'] === 'Bitmap Heap Scan' ? undefined : `${node['Node Type']} ${of}`;
    if (way) ways.set(way, (ways.get(way) ?? 0) + 1);
  }
  return [...ways].map(([way, times]) => (times > 1 ? `${way} × ${times}` : way)).join(', ');
}

/** A partition under the name of the whole. */
function ofTable(relation: string): string {
  return relation.replace(/_(\d{6,8}|\d)$/, '');
}

async function wholes(admin: Client, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await admin.query<{ part: string; name: string }>(
    `select c.relname as part, coalesce(p.relname, c.relname) as name
     from unnest($1::text[]) as used join pg_class c on c.relname = used and c.relkind in ('i', 'I')
     left join pg_inherits on inhrelid = c.oid left join pg_class p on p.oid = inhparent`,
    [names],
  );
  return new Map(rows.map(({ part, name }) => [part, name]));
}
