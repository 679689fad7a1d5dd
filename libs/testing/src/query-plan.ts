import type { Statement } from '@payflow/database';
import type { Client } from 'pg';

interface PlanNode {
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What running a statement took: rows from tables, the ones that it threw away again among them, and by which indexes. */
export interface Cost {
  readonly rows: number;
  readonly indexes: ReadonlySet<string>;
}

/**
 * Runs a statement under EXPLAIN, prepared and with the plan for any values: the one that a pool comes to use. Values are SQL,
 * in the order of the parameters. `before` goes ahead of it in the transaction, of which nothing is kept.
 */
export async function costOf(
  admin: Client,
  { text }: Statement,
  values: readonly string[],
  before?: Statement,
): Promise<Cost> {
  await admin.query(
    `begin; set local plan_cache_mode = force_generic_plan; ${before?.text ?? ''}; prepare costly as ${text}`,
  );
  const given = values.length > 0 ? `(${values.join(', ')})` : '';
  const { rows } = await admin.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (analyze, format json) execute costly${given}`,
  );
  await admin.query('deallocate costly; rollback');
  const nodes = flat((rows[0] as (typeof rows)[number])['QUERY PLAN'][0].Plan);
  const read = nodes.filter((node) => node['Relation Name']).map(rowsOf);
  const indexes = new Set(nodes.flatMap((node) => node['Index Name'] ?? []));
  return { rows: read.reduce((sum, each) => sum + each, 0), indexes };
}

function flat(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(flat)];
}

function rowsOf(node: PlanNode): number {
  return (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'];
}
