import { statement, type Database } from '@payflow/database';

/** Offending rows that are named in a result; the count is always whole. */
export const SAMPLE_ROWS = 10;

/** What a check found. */
export interface Found {
  readonly violations: number;
  /** Ids of the first offending rows. */
  readonly sample: readonly string[];
}

export interface OffendingRow {
  readonly id: string;
  /** How many rows offend in all. */
  readonly violations: number;
}

/** A check in several statements, each of which is given `values`, or works out its own. */
export type Part = (db: Database, values?: readonly unknown[]) => Promise<Found>;

/** A query for offending rows with a column `id`, as a statement that answers with {@link OffendingRow}s. */
export function counted(query: string): string {
  return `select id::text as id, (count(*) over ())::integer as violations from (${query}) as offending limit ${SAMPLE_ROWS}`;
}

/** A part that is one query: it may be asked in a transaction, beside others that are to see the same. */
export type QueryPart = (db: Pick<Database, 'rows'>, values?: readonly unknown[]) => Promise<Found>;

/** The part of a check that one query is. `name` names its prepared statement. */
export function part(name: string, query: string): QueryPart {
  const text = statement(`invariant.${name}`, counted(query));
  return async (db, values = []) => foundIn(await db.rows<OffendingRow & Record<string, unknown>>(text, [...values]));
}

export function foundIn(rows: readonly OffendingRow[]): Found {
  return { violations: rows[0]?.violations ?? 0, sample: rows.map(({ id }) => id) };
}

/** What offends, by its ids. */
export function foundAll(ids: readonly string[]): Found {
  return { violations: ids.length, sample: ids.slice(0, SAMPLE_ROWS) };
}

/** What several parts found, one after the other. */
export function together(one: Found, other: Found): Found {
  return {
    violations: one.violations + other.violations,
    sample: [...one.sample, ...other.sample].slice(0, SAMPLE_ROWS),
  };
}

export const NOTHING_FOUND: Found = { violations: 0, sample: [] };

/** Runs the parts one after the other. */
export function inParts(...parts: readonly Part[]): (db: Database) => Promise<Found> {
  return async (db) => {
    let found = NOTHING_FOUND;
    for (const each of parts) found = together(found, await each(db));
    return found;
  };
}
