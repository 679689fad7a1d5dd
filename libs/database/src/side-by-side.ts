import type { Row } from './transaction.js';

/** A question of its own: SQL whose parameters begin at `$first`, and the columns that it answers with. */
export interface Part {
  readonly columns: readonly string[];
  /** How many parameters it takes. */
  readonly width: number;
  readonly sql: (first: number) => string;
}

/** Marks the rows of a part. */
const IS = 'is_there';

/**
 * Questions that have nothing to do with each other, asked in one statement. Each row of the answer belongs to one of them, and its
 * columns keep their types. All parts see the same snapshot: what is to be read behind a lock cannot be beside it.
 *
 *     const BOTH = new SideBySide({ orders: ORDERS, lines: LINES });
 *     const LOAD = statement('orders.load', BOTH.text);
 *     const { orders, lines } = BOTH.split(await tx.rows(LOAD, [...ofOrders, ...ofLines]));
 */
export class SideBySide<K extends string> {
  readonly text: string;

  constructor(private readonly parts: Readonly<Record<K, Part>>) {
    let first = 1;
    const [columns, tables]: [string[], string[]] = [[], []];
    for (const [name, part] of Object.entries<Part>(parts)) {
      columns.push(...[IS, ...part.columns].map((column) => `${name}.${column} as ${name}_${column}`));
      tables.push(`(select true as ${IS}, * from (${part.sql(first)}) as part) as ${name}`);
      first += part.width;
    }
    // A join that never matches: the server puts the rows of one behind those of the other.
    const joined = tables.map((table, at) => (at === 0 ? table : `full join ${table} on false`));
    this.text = `select ${columns.join(', ')}\n   from ${joined.join('\n   ')}`;
  }

  /** The rows of each part, under its own names, in no order. */
  split(rows: readonly Row[]): Record<K, Row[]> {
    const all = Object.entries<Part>(this.parts).map(([name, { columns }]) => [
      name,
      rows
        .filter((row) => row[`${name}_${IS}`])
        .map((row) => Object.fromEntries(columns.map((column) => [column, row[`${name}_${column}`]]))),
    ]);
    return Object.fromEntries(all) as Record<K, Row[]>;
  }
}
