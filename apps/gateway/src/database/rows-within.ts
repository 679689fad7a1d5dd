/** Of what belongs to a thing so much is shown within it, the newest: a list of its own tells the rest. */
export const ROWS_WITHIN_MAX = 100;
/** A page ends behind the thing with which it has so much: one row can have 60 kB of metadata, and a page 200 things. */
const ROWS_MAX = 2_000;
const METADATA_BYTES_MAX = 4 * 1_024 * 1_024;

/** What belongs to the things of a page. */
export interface Within<V> {
  /** Oldest first. */
  readonly views: readonly V[];
  /** So many of the things, from the first on, are told of; what belongs to the others was not read. One at least. */
  readonly whole: number;
}

/** A row of {@link rowsWithin} has beside its own columns the place of the first thing that is not told of, from 1. */
export interface RowWithin {
  readonly cut: bigint | null;
}

const BEFORE = 'over (order by place range between unbounded preceding and 1 preceding)';

/**
 * The newest rows of each thing on a page, whose UUIDs are `$3`: `rows` selects those of `p.parent`, with `metadata`, `created_at` and
 * `id`, and `by` may tell several kinds apart. Rows are counted before any is weighed, as that reads all of its metadata.
 */
export function rowsWithin(rows: string, by = ''): string {
  return `with counted as (
     select r.*, p.place, count(*) ${BEFORE} as rows_before
     from unnest($3::uuid[]) with ordinality as p (parent, place) ${by}
       cross join lateral (${rows} order by created_at desc, id desc limit ${ROWS_WITHIN_MAX}) as r),
   weighed as (
     select *, coalesce(sum(octet_length(metadata::text)) ${BEFORE}, 0) as bytes_before
     from counted where rows_before < ${ROWS_MAX})
   select *, least((select min(place) from counted where rows_before >= ${ROWS_MAX}),
     (select min(place) from weighed where bytes_before >= ${METADATA_BYTES_MAX})) as cut
   from weighed where bytes_before < ${METADATA_BYTES_MAX}
   order by created_at, id`;
}

/** How many of the things are told of. */
export function wholeOf(things: readonly string[], [row]: readonly RowWithin[]): number {
  return row && row.cut !== null ? Number(row.cut) - 1 : things.length;
}
