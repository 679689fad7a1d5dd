/** The order of a list, and so the place in it after which a page begins. No page is found by counting the rows before it. */
export interface Keyset {
  /** `order by` with a direction on each column, as the index that serves it reads. */
  readonly orderBy: string;
  /** What lies behind a place, of which each column's value is an expression in SQL. As one comparison of rows, an index answers it. */
  behind(place: readonly string[]): string;
}

/** A list by some columns, the last of which (or all together) are unique, all in one direction. */
export function keyset(direction: 'asc' | 'desc', ...columns: readonly string[]): Keyset {
  const operator = direction === 'asc' ? '>' : '<';
  return {
    orderBy: `order by ${columns.map((column) => `${column} ${direction}`).join(', ')}`,
    behind(place) {
      if (place.length !== columns.length) throw new Error(`${place.length} values for ${columns.length} columns`);
      return columns.length === 1
        ? `${columns[0]} ${operator} ${place[0]}`
        : `(${columns.join(', ')}) ${operator} (${place.join(', ')})`;
    },
  };
}

/** One page of a list. */
export interface KeysetPage<R> {
  readonly rows: readonly R[];
  /** The row that the next page begins after; undefined where there is no next page. */
  readonly last: R | undefined;
}

/** Reads one page. It asks for one row more than the page holds: that one tells whether another page follows. */
export async function readPage<R>(
  limit: number,
  read: (limit: number) => Promise<readonly R[]>,
): Promise<KeysetPage<R>> {
  const rows = await read(limit + 1);
  return rows.length > limit
    ? { rows: rows.slice(0, limit), last: rows[limit - 1] }
    : { rows: rows.slice(), last: undefined };
}

/** All pages of a list, one after the other; `read` is given the last row of the page before. A page may have been shorter than it could. */
export async function* pagesOf<R>(
  read: (after: R | undefined) => Promise<readonly R[]>,
): AsyncGenerator<readonly R[], void> {
  for (let rows = await read(undefined); rows.length > 0; rows = await read(rows.at(-1))) yield rows;
}
