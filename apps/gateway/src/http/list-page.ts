import { readPage } from '@payflow/database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Owner } from '../database/keys.js';
import type { Page, PagePosition } from '../database/list-statement.js';
import { sendResource } from './answer.js';
import { callerOf } from './authentication.js';
import type { Cursors } from './cursor.js';
import type { FilterReaders } from './list-filters.js';
import { withoutExpand } from './expand.js';
import { ListReads } from './list-reads.js';
import { parseListQuery } from './list-query.js';
import { linkNext, NDJSON, prefers, sendLines } from './other-forms.js';

/** Of the whole process, as the pool is. */
const reads = new ListReads();

/** One list of the API. */
export interface List<F, V> {
  readonly name: string;
  readonly filters: FilterReaders<F>;
  readonly read: (owner: Owner, page: Page<F>) => Promise<readonly V[]>;
  readonly resource: (view: V) => object;
  /** What may be shown within each, and how a page is shown with it. */
  readonly expansion?: Expansion<V>;
}

export interface Expansion<V> {
  readonly names: readonly string[];
  readonly expand: (page: readonly V[], names: readonly string[]) => Promise<readonly object[]>;
}

/** Answers with one page of a list, newest first, and the cursor to the next. */
export async function sendPage<F extends object, V extends PagePosition>(
  request: FastifyRequest,
  reply: FastifyReply,
  cursors: Cursors,
  { name, filters, read, resource, expansion }: List<F, V>,
): Promise<void> {
  const { tenant, livemode } = callerOf(request);
  const { url, expand } = expansion ? withoutExpand(request.url, expansion.names) : { url: request.url, expand: [] };
  const { filter, limit, cursor, canonical } = parseListQuery(url, filters);
  const list = `${name} ${tenant} ${livemode} ${canonical}`;
  const after = cursor === undefined ? undefined : cursors.decode(list, cursor);
  const { rows: page, last } = await readPage(limit, (rows) =>
    reads.run(() => read({ tenant, livemode }, { filter, after, limit: rows })),
  );
  const shown = expansion && expand.length > 0 ? await expansion.expand(page, expand) : page.map(resource);
  const next_cursor = last ? cursors.encode(list, last) : null;
  if (prefers(NDJSON, request.headers.accept)) {
    linkNext(reply, request.url, next_cursor);
    sendLines(reply, shown);
    return;
  }
  sendResource(reply, JSON.stringify({ data: shown, next_cursor }));
}
