import type { Database } from './database.js';
import { sqlState } from './errors.js';
import { statement } from './statement.js';

/** Where the schema of a database and the migrations of a version are not the same; both are empty when they are. */
export interface SchemaGap {
  /** Migrations of this version that have not run on the database. */
  readonly missing: readonly string[];
  /** Migrations that ran there and that this version does not know: a later version's. */
  readonly unknown: readonly string[];
}

const RUN = statement('database.migrations', 'select name from schema_migrations order by id');
const UNDEFINED_TABLE = '42P01';

/** Holds what has run on a service's database against its `steps`: its migrations and rights, as they are given to `runMigrations`. */
export async function schemaGapOf(db: Database, steps: readonly unknown[]): Promise<SchemaGap> {
  const known = steps.flatMap((step) => (typeof step === 'function' ? step.name : []));
  const run = await namesOfRun(db);
  return { missing: known.filter((name) => !run.has(name)), unknown: [...run].filter((name) => !known.includes(name)) };
}

/** An empty database has no table of them either. */
async function namesOfRun(db: Database): Promise<Set<string>> {
  try {
    return new Set((await db.rows<{ name: string }>(RUN)).map(({ name }) => name));
  } catch (error) {
    if (sqlState(error) === UNDEFINED_TABLE) return new Set();
    throw error;
  }
}
