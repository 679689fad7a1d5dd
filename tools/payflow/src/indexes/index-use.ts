import type { Statement } from '@payflow/database';

/** Why an index is there. */
export interface IndexUse {
  readonly index: string;
  /** The name of the statement that needs it. */
  readonly query: string;
  /** Its parameters, as SQL, for what `SEEDS` has in the tables. Without them, it is there to refuse a second row like another. */
  readonly values?: readonly string[];
  /** Goes ahead of the query in its transaction. */
  readonly before?: Statement;
}

/** Columns of the rows that a table is filled with, as SQL over `n`, from 1 to `$rows`. The others get something by their type. */
export type Seed = Readonly<Record<string, string>>;

/** What must be known of a database to say of each of its indexes whether it is needed. */
export interface IndexRegistry {
  readonly uses: readonly IndexUse[];
  readonly seeds: Readonly<Record<string, Seed>>;
}

/** A UUID that seeds make: the `at`th of its kind. */
export const uuid = (at: number): string => `'00000000-0000-7000-8000-${at.toString(16).padStart(12, '0')}'::uuid`;

/** The same over `n`. */
export const uuidOf = (expression: string): string =>
  `('00000000-0000-7000-8000-' || lpad(to_hex((${expression})::bigint), 12, '0'))::uuid`;

/** All rows are one tenant's, in test mode: the hardest case for an index that begins with both. */
export const OWNER = [uuid(0), 'false'] as const;
export const OWNED: Seed = { tenant_id: uuid(0), livemode: 'false' };

/** One of many tenants that have rows each: for what is looked for of one, and stands in an index with what is everybody's. */
export const MANY_OWNERS: Seed = { tenant_id: uuidOf('n % 97'), livemode: 'false' };

/** Of all test spaces that have travelled, one is ahead: by two days. */
export const TEST_CLOCKS: Seed = {
  tenant_id: uuidOf('n - 1'),
  ahead_ms: 'case when n = 1 then 172800000 else 0 end',
  version: '1',
  heard: `'{[1,2)}'`,
};

/** Accounts have a hundred transfers each, on either side. */
export const DEBIT = uuidOf('n % ($rows / 100) + 1');
export const CREDIT = uuidOf('(n * 7 + 3) % ($rows / 100) + 1');

/** Rows lie a second apart, the last at `$rows`; so that days and months are full ones. */
export const TIME = `'2026-01-01T00:00:00Z'::timestamptz + n * interval '1 second'`;

export const arrays = (...values: readonly string[]): string[] => values.map((value) => `array[${value}]`);
