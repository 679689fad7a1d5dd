import { readPage } from '@payflow/database';

/**
 * A page ends before a line that would make it longer than this, as JSON. The gateway takes twice as much for an answer: one line
 * alone, of which the largest has 50 names and values of metadata, always fits, and so does what stands around the lines.
 */
export const FORWARDED_PAGE_BYTES_MAX = 512 * 1_024;

/** One page of a list as the gateway is told of it. */
export interface ForwardedPage<R> {
  readonly data: readonly object[];
  /** The row that the next page begins after; undefined where there is no next page. */
  readonly last: R | undefined;
}

/**
 * Reads one page and shows its rows. It has fewer lines than its limit where they are long, though another page follows; one at
 * least, where there is any.
 */
export async function readForwardedPage<R>(
  limit: number,
  read: (limit: number) => Promise<readonly R[]>,
  resource: (row: R) => object,
): Promise<ForwardedPage<R>> {
  const { rows, last } = await readPage(limit, read);
  const data: object[] = [];
  let bytes = 0;
  for (const row of rows) {
    const line = resource(row);
    bytes += Buffer.byteLength(JSON.stringify(line)) + 1;
    if (bytes > FORWARDED_PAGE_BYTES_MAX && data.length > 0) return { data, last: rows[data.length - 1] };
    data.push(line);
  }
  return { data, last };
}
