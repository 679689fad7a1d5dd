import { joinJson } from './array.js';

/** What a column of a set may be. `json` is text that has been serialised already, and is never null. */
export type BulkType =
  'uuid' | 'boolean' | 'smallint' | 'integer' | 'bigint' | 'text' | 'date' | 'timestamptz' | 'bytea' | 'json';

interface ValueOf {
  readonly uuid: string | null;
  readonly boolean: boolean | null;
  readonly smallint: number | null;
  readonly integer: number | null;
  /** Or its digits. */
  readonly bigint: bigint | number | string | null;
  readonly text: string | null;
  readonly date: string | null;
  readonly timestamptz: Date | string | null;
  readonly bytea: Uint8Array | null;
  readonly json: string;
}

/** A column and what a row has in it. */
export type BulkColumn<R> = {
  readonly [T in BulkType]: readonly [name: string, type: T, value: (row: R) => ValueOf[T]];
}[BulkType];

/** More would make one statement so long that those behind it wait, and nothing is won by it: 500 rows give most of the gain. */
const ROWS_MAX = 10_000;
/** Postgres takes 1 GB in one message, and holds a parameter three times while it takes it apart. */
const BYTES_MAX = 16 * 1024 * 1024;
/** What the wire protocol can count. */
const PARAMETERS_MAX = 65_535;

/**
 * Sets of rows as parameters, one per column, so that a statement's text is the same for any number of rows:
 *
 *     const LINES = new Unnested<Line>([['id', 'uuid', (line) => line.id], ['amount', 'bigint', (line) => line.amount]]);
 *     const INSERT = statement('lines.insert', `insert into lines (${LINES.names}) select * from ${LINES.from(1)} order by 1`);
 *     for (const values of LINES.batches(lines)) await tx.count(INSERT, values);
 */
export class Unnested<R> {
  /** The columns, for the list of an insert. */
  readonly names: string;

  constructor(private readonly columns: readonly BulkColumn<R>[]) {
    if (columns.length === 0 || columns.length > PARAMETERS_MAX)
      throw new Error(`${columns.length} columns in one set`);
    this.names = columns.map(([name]) => name).join(', ');
  }

  /** The rows as a table of SQL: its parameters begin at `$first`. */
  from(first = 1, alias = 'n'): string {
    const parameters = this.columns.map(([, type], at) =>
      type === 'json' ? `string_to_array($${first + at}, chr(30))::json[]` : `$${first + at}::${type}[]`,
    );
    return `unnest(${parameters.join(', ')}) as ${alias} (${this.names})`;
  }

  /** The parameters, for as many statements as it takes: nearly always one, and none for no rows. */
  *batches(rows: readonly R[], { rows_max = ROWS_MAX, bytes_max = BYTES_MAX } = {}): Generator<unknown[], void> {
    let values = this.empty();
    let [count, bytes] = [0, 0];
    for (const row of rows) {
      const cells = this.columns.map(([, , value]) => value(row));
      const size = cells.reduce<number>((sum, cell) => sum + sizeOf(cell), 0);
      if (count > 0 && (count >= rows_max || bytes + size > bytes_max)) {
        yield this.parameters(values);
        values = this.empty();
        [count, bytes] = [0, 0];
      }
      cells.forEach((cell, at) => values[at]?.push(cell));
      count++;
      bytes += size;
    }
    if (count > 0) yield this.parameters(values);
  }

  private empty(): unknown[][] {
    return this.columns.map(() => []);
  }

  private parameters(values: readonly unknown[][]): unknown[] {
    return values.map((column, at) => (this.columns[at]?.[1] === 'json' ? joinJson(column as string[]) : column));
  }
}

/** Near enough for a bound: characters, which are three bytes at most, and what is no text is short. */
function sizeOf(cell: unknown): number {
  if (typeof cell === 'string') return cell.length;
  return cell instanceof Uint8Array ? cell.length * 2 : 8;
}
