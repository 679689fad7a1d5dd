import { statement, type Database, type Row, type Statement, type Transaction } from '@payflow/database';

/**
 * A plan for any values takes what lies between two bounds for a row or none, and would rather sort that than follow an index;
 * for an account with a long history it is all of it. Where nothing may be sorted that an index has in order, it follows the index.
 */
export const IN_INDEX_ORDER = statement('reads.in-index-order', `select set_config('enable_sort', 'off', true)`);

/** Runs a statement with sub-selects that are cut in the order of an index, so that they end where they are cut. */
export function rowsInIndexOrder<R extends object = Row>(
  db: Database,
  ordered: Statement,
  values: readonly unknown[],
): Promise<R[]> {
  return db.transaction((tx) => rowsInIndexOrderWithin<R>(tx, ordered, values));
}

/** {@link rowsInIndexOrder} of a transaction, which from then on sorts nothing that an index has in order. */
export async function rowsInIndexOrderWithin<R extends object = Row>(
  tx: Transaction,
  ordered: Statement,
  values: readonly unknown[],
): Promise<R[]> {
  const [, rows] = await Promise.all([tx.rows(IN_INDEX_ORDER), tx.rows<R>(ordered, values)]);
  return rows;
}
