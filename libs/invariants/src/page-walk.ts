import { statement } from '@payflow/database';
import { NOTHING_FOUND, together, type Found, type Part } from './found.js';

/** Rows that one statement looks at, each of them by its key elsewhere. */
const PAGE_ROWS = 50_000;
/** Keys alone, as an index has them in order. */
const PAGE_KEYS = 200_000;

const NOBODY = '00000000-0000-0000-0000-000000000000';

interface PageRow extends Found, Record<string, unknown> {
  /** The key of the last row; null where there was none. */
  readonly last: readonly unknown[] | null;
}

/** Page after page of a statement that takes the key behind which one begins. */
function inPages(name: string, text: string, first: readonly unknown[]): Part {
  const PAGE = statement(`invariant.${name}`, text);
  return async (db) => {
    let found = NOTHING_FOUND;
    for (let after: readonly unknown[] | null = first; after;) {
      const [page]: PageRow[] = await db.rows<PageRow>(PAGE, after);
      if (page) found = together(found, page);
      after = page?.last ?? null;
    }
    return found;
  };
}

const FOUND = `(select count(*)::integer from offending) as violations, array(select id::text from offending limit 10) as sample`;

/** A column of a table's key, its type, and a value before all others. */
export type KeyColumn = readonly [column: string, type: string, first: string | boolean | number];

const OWNER: readonly KeyColumn[] = [
  ['tenant_id', 'uuid', NOBODY],
  ['livemode', 'boolean', false],
];
const BY_ID: readonly KeyColumn[] = [['id', 'uuid', NOBODY]];

/** Rows behind a place in the order of a key, which `$1` and the next are, and where a page of them ends, as a value of its query. */
const page = (table: string, columns: string, keys: readonly KeyColumn[], rows: number) => {
  const names = keys.map(([column]) => column);
  const place = keys.map(([, type], at) => `$${at + 1}::${type}`);
  return {
    query: `select ${columns} from ${table} where (${names.join(', ')}) > (${place.join(', ')}) order by ${names.join(', ')} limit ${rows}`,
    last: `(select json_build_array(${keys.map(([column]) => `${column}::text`).join(', ')}) from page
      order by ${names.map((column) => `${column} desc`).join(', ')} limit 1) as last`,
    first: keys.map(([, , first]) => first),
  };
};

export interface Paged {
  readonly table: string;
  /** What offends of a page, a query over one with the table's columns. */
  readonly offending: (page: string) => string;
  /** The table's key after tenant and mode; an id where it is left out. */
  readonly key?: readonly KeyColumn[];
}

/** The part of a check that looks at every row of a table by itself: pages of them in the order of its key. */
export function overPages(name: string, { table, offending, key = BY_ID }: Paged, page_rows = PAGE_ROWS): Part {
  const { query, last, first } = page(table, '*', [...OWNER, ...key], page_rows);
  return inPages(
    name,
    `with page as materialized (${query}), offending as materialized (${offending('page')}) select ${FOUND}, ${last}`,
    first,
  );
}

/** A table in partitions by time, whose key is therefore unique with that time alone. */
export interface KeyedByTime {
  readonly table: string;
  /** With tenant and mode what should be unique without it. */
  readonly key: string;
  readonly time: string;
  /** How what is there twice is named: an expression over the key. */
  readonly offends: string;
}

/**
 * The part of a check that finds keys which more than one row has, of whatever times: those of all partitions are read together, in
 * the order of their indexes, in which two of one key stand beside each other.
 */
export function keyedOnce(name: string, { table, key, time, offends }: KeyedByTime, page_keys = PAGE_KEYS): Part {
  const { query, last, first } = page(
    table,
    `tenant_id, livemode, ${key}, ${time}`,
    [...OWNER, [key, 'uuid', NOBODY], [time, 'timestamptz', '-infinity']],
    page_keys,
  );
  return inPages(
    name,
    `with page as materialized (${query}),
     placed as (
       select ${key}, (tenant_id, livemode, ${key}) = (lag(tenant_id, 1, $1::uuid) over in_order, lag(livemode, 1, $2::boolean) over in_order,
         lag(${key}, 1, $3::uuid) over in_order) as is_twice
       from page window in_order as (order by tenant_id, livemode, ${key}, ${time})),
     offending as materialized (select ${offends} as id from placed where is_twice)
     select ${FOUND}, ${last}`,
    first,
  );
}
