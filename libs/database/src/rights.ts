/** What a service's role may do to one table, beside reading it. */
export interface TableRights {
  /** Rows may be added unless this says otherwise. */
  readonly insert?: false;
  /** Which columns may be changed; none when absent. */
  readonly update?: 'all' | readonly string[];
  readonly delete?: true;
}

/**
 * What a service's role may do in its database: stated once, granted by `payflow setup`, and held against the role at every
 * start. In a table that is not named, rows may be read and added, and never changed again. Partitions are written through
 * the table they belong to, so they are nobody's.
 */
export type Rights = Readonly<Record<string, TableRights>>;

/** The table that tells which migrations have run. */
export const MIGRATIONS_TABLE = 'schema_migrations';

/** The rights to one table, those that nobody has stated included. */
export function rightsTo(table: string, rights: Rights): TableRights {
  return table === MIGRATIONS_TABLE ? { insert: false } : (rights[table] ?? {});
}
