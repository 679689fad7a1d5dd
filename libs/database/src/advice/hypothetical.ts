import { explain, type Explaining } from '../care/explain.js';
import { identifier, type Advice, type CandidateIndex } from './advice.js';
import { proven } from './advise.js';

/** Makes an index that the planner believes in, and takes it away again. */
interface Hypothesis {
  readonly make: (definition: string) => Promise<unknown>;
  readonly forget: () => Promise<unknown>;
}

/** With hypopg an index is thought up for this session alone: nothing is built, and nobody else sees it. */
export async function hypopg(client: Explaining): Promise<Hypothesis | undefined> {
  const { rows } = await client.query<{ schema: string }>(
    `select quote_ident(n.nspname) as schema from pg_extension e join pg_namespace n on n.oid = e.extnamespace where e.extname = 'hypopg'`,
  );
  const schema = rows[0]?.schema;
  if (schema === undefined) return undefined;
  return {
    make: (definition) => client.query(`select ${schema}.hypopg_create_index($1)`, [definition]),
    forget: () => client.query(`select ${schema}.hypopg_reset()`),
  };
}

/** On a copy of the database, where nobody waits for it, an index is simply built. */
export function realIndexes(client: Explaining): Hypothesis {
  return {
    make: (definition) => client.query(definition),
    forget: async () => client.query('drop index if exists payflow_candidate'),
  };
}

/** The advices whose index, tried out, makes the planner's cost fall; those that are about no new index as they are. */
export async function tryOut(client: Explaining, advices: readonly Advice[], index: Hypothesis): Promise<Advice[]> {
  const kept: Advice[] = [];
  for (const advice of advices) {
    const { candidate } = advice;
    const after = candidate ? proven(advice, await costs(client, candidate, index)) : advice;
    if (after) kept.push(after);
  }
  return kept;
}

async function costs(client: Explaining, { table, columns, text }: CandidateIndex, index: Hypothesis) {
  const costBefore = (await explain(client, text))['Total Cost'];
  await index.make(`create index payflow_candidate on ${identifier(table)} (${columns.map(identifier).join(', ')})`);
  try {
    return { costBefore, costAfter: (await explain(client, text))['Total Cost'] };
  } finally {
    await index.forget();
  }
}
