import type { Client, PoolClient } from 'pg';
import type { Database } from '../database.js';

/** A node of a plan, as `explain (format json)` names it. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly 'Plan Rows': number;
  readonly 'Total Cost': number;
  readonly 'Subplans Removed'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What a statement is explained on: a connection that nobody else uses meanwhile. */
export type Explaining = Pick<Client | PoolClient, 'query'>;

export interface ExplainOptions {
  /** Settings of the planner for this one plan, such as `enable_partition_pruning = off`. */
  readonly settings?: readonly string[];
}

const NAME = 'payflow_explained';
/** Explaining takes the locks of a read: it must neither wait for a migration nor have others wait behind it. */
const LOCK_TIMEOUT_MS = 100;
const STATEMENT_TIMEOUT_MS = 2_000;

/**
 * The plan that a statement has whatever its parameters are (its generic plan), without running it and without knowing any
 * of them. Throws what the server says, where it cannot be explained.
 */
export async function explain(client: Explaining, text: string, options: ExplainOptions = {}): Promise<PlanNode> {
  const rows = await explained<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>(client, text, 'json', options);
  return (rows[0] as (typeof rows)[number])['QUERY PLAN'][0].Plan;
}

/** {@link explain}, as a person reads it. */
export async function explainAsText(client: Explaining, text: string): Promise<string> {
  const rows = await explained<{ 'QUERY PLAN': string }>(client, text, 'text', {});
  return rows.map((row) => row['QUERY PLAN']).join('\n');
}

async function explained<R extends object>(
  client: Explaining,
  text: string,
  format: 'json' | 'text',
  { settings = [] }: ExplainOptions,
): Promise<R[]> {
  const local = [
    `lock_timeout = ${LOCK_TIMEOUT_MS}`,
    `statement_timeout = ${STATEMENT_TIMEOUT_MS}`,
    'plan_cache_mode = force_generic_plan',
    ...settings,
  ];
  try {
    await client.query('begin');
    await client.query(local.map((setting) => `set local ${setting}`).join('; '));
    await client.query(`prepare ${NAME} as ${text}`);
    return (await client.query<R>(`explain (format ${format}) execute ${NAME}${nulls(text)}`)).rows;
  } finally {
    await client.query('rollback').catch(() => undefined);
    // A prepared statement outlives its transaction; where preparing failed there is none.
    await client.query(`deallocate ${NAME}`).catch(() => undefined);
  }
}

/** As many nulls as the statement has parameters: their values do not matter to a generic plan. */
function nulls(text: string): string {
  const count = Math.max(0, ...[...text.matchAll(/\$(\d+)/g)].map(([, place]) => Number(place)));
  return count === 0 ? '' : `(${Array<string>(count).fill('null').join(', ')})`;
}

/** Lends a connection of the service's pool that statements can be explained on. */
export async function onOwnConnection<T>(
  db: Pick<Database, 'source'>,
  work: (client: Explaining) => Promise<T>,
): Promise<T> {
  const runner = db.source.createQueryRunner();
  try {
    // The driver's own client: what an operator's look costs is not part of the service's statements.
    return await work((await runner.connect()) as PoolClient);
  } finally {
    await runner.release();
  }
}
