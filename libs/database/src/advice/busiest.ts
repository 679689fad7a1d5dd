import type { Explaining } from '../care/explain.js';
import { namedStatements } from '../statement.js';
import { countedStatements } from './gather.js';
import { StatementNames } from './statement-text.js';
import { labelOf } from './table-advice.js';

/** What one statement has cost since the server began to count. */
export interface StatementCount {
  /** Its name, or the beginning of a text that is none of the product's. */
  readonly statement: string;
  readonly calls: number;
  readonly rows: number;
  readonly total_ms: number;
}

/**
 * The service's own statements as the server has counted them, the costliest first. Null where the counts cannot be read: they are there
 * all the same, and whoever took them for none would see all of them as new at the next look.
 */
export async function statementCounts(client: Explaining): Promise<StatementCount[] | null> {
  const { statements, uncounted } = await countedStatements(client);
  if (uncounted !== undefined) return null;
  const names = new StatementNames(namedStatements());
  return statements.map(({ text, calls, rows, total_ms }) => ({
    statement: labelOf({ name: names.find(text)?.name, text }),
    calls,
    rows,
    total_ms,
  }));
}
