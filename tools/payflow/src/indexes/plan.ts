import { statementNamed } from '@payflow/database';
import type { Client } from 'pg';
import type { IndexUse } from './index-use.js';

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Index Name'?: string;
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
}

/** Carries out a registered query with the plan for any values, as a pool comes to use it. Nothing of it is kept. */
export async function execute(admin: Client, { query, values = [], before }: IndexUse): Promise<Execution> {
  await admin.query('begin; set local plan_cache_mode = force_generic_plan');
  if (before) await admin.query(before.text);
  await admin.query(`prepare explained as ${statementNamed(query).text}`);
  try {
    const call = `explained${values.length > 0 ? `(${values.join(', ')})` : ''}`;
    const { rows } = await admin.query<{ 'QUERY PLAN': [Explained] }>(`explain (analyze, format json) execute ${call}`);
    const [explained] = (rows[0] as (typeof rows)[number])['QUERY PLAN'];
    const used = [...new Set(flat(explained.Plan).flatMap((node) => node['Index Name'] ?? []))];
    return { time_ms: explained['Execution Time'], indexes: new Set(await wholes(admin, used)) };
  } finally {
    await admin.query('rollback');
    await admin.query('deallocate all');
  }
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}

async function wholes(admin: Client, names: readonly string[]): Promise<string[]> {
  const { rows } = await admin.query<{ name: string }>(
    `select coalesce(p.relname, c.relname) as name from unnest($1::text[]) as used join pg_class c on c.relname = used and c.relkind in ('i', 'I')
     left join pg_inherits on inhrelid = c.oid left join pg_class p on p.oid = inhparent`,
    [names],
  );
  return rows.map(({ name }) => name);
}
