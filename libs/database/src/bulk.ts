import { joinJson } from './array.js';
import { bigintArray, uuidArray } from './binary-array.js';

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
/** Types of no bounded length; the others are a UUID at most. */
const VARYING: ReadonlySet<BulkType> = new Set(['text', 'json', 'bytea']);
const FIXED_LENGTH_MAX = 36;
const NULL_LENGTH = 4;
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
  /** How many parameters the set takes. */
  readonly width: number;

  constructor(private readonly columns: readonly BulkColumn<R>[]) {
    if (columns.length === 0 || columns.length > PARAMETERS_MAX)
      throw new Error(`${columns.length} columns in one set`);
    this.names = columns.map(([name]) => name).join(', ');
    this.width = columns.length;
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
    // Column by column, which costs a tenth of going row by row; where to cut is looked for only if something must be cut.
    const values = this.columns.map(([, , value]) => rows.map((row): unknown => value(row)));
    if (rows.length <= rows_max && this.sizeOf(values) <= bytes_max) {
      if (rows.length > 0) yield this.parameters(values);
      return;
    }
    for (let from = 0, to = 0; from < rows.length; from = to) {
      let bytes = 0;
      while (to < rows.length && to - from < rows_max) {
        bytes += this.sizeOf(values, to, to + 1);
        if (to > from && bytes > bytes_max) break;
        to++;
      }
      yield this.parameters(values.map((column) => column.slice(from, to)));
    }
  }

  /**
   * The parameters for one statement that takes this set beside others, of which each may be empty. Nothing is cut off: how much
   * there can be has its bound elsewhere.
   */
  whole(rows: readonly R[]): unknown[] {
    return this.parameters(this.columns.map(([, , value]) => rows.map((row): unknown => value(row))));
  }

  private sizeOf(values: readonly unknown[][], from = 0, to = values[0]?.length ?? 0): number {
    let size = 0;
    for (const [at, [, type]] of this.columns.entries()) {
      if (!VARYING.has(type)) size += (to - from) * FIXED_LENGTH_MAX;
      else for (let row = from; row < to; row++) size += lengthOf(values[at]?.[row]);
    }
    return size;
  }

  private parameters(values: readonly unknown[][]): unknown[] {
    return values.map((column, at) => parameterOf(this.columns[at]?.[1], column));
  }
}

/** In the wire's binary format where the server is spared the most by it. */
function parameterOf(type: BulkType | undefined, column: readonly unknown[]): unknown {
  switch (type) {
    case 'json':
      return joinJson(column as readonly string[]);
    case 'uuid':
      return uuidArray(column as readonly (string | null)[]);
    case 'bigint':
      return bigintArray(column as readonly (bigint | number | string | null)[]);
    default:
      return column;
  }
}

/** Characters, which are three bytes at most: near enough for a bound. */
function lengthOf(cell: unknown): number {
  if (typeof cell === 'string') return cell.length;
  return cell instanceof Uint8Array ? cell.length * 2 : NULL_LENGTH;
}
