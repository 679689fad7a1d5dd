import { readPage } from '@payflow/database';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Owner } from '../database/keys.js';
import type { Page, PagePosition } from '../database/list-statement.js';
import { sendResource } from './answer.js';
import { callerOf } from './authentication.js';
import type { Cursors } from './cursor.js';
import type { FilterReaders } from './list-filters.js';
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
}

/** Answers with one page of a list, newest first, and the cursor to the next. */
export async function sendPage<F extends object, V extends PagePosition>(
  request: FastifyRequest,
  reply: FastifyReply,
  cursors: Cursors,
  { name, filters, read, resource }: List<F, V>,
): Promise<void> {
  const { tenant, livemode } = callerOf(request);
  const { filter, limit, cursor, canonical } = parseListQuery(request.url, filters);
  const list = `${name} ${tenant} ${livemode} ${canonical}`;
  const after = cursor === undefined ? undefined : cursors.decode(list, cursor);
  const { rows: page, last } = await readPage(limit, (rows) =>
    reads.run(() => read({ tenant, livemode }, { filter, after, limit: rows })),
  );
  const next_cursor = last ? cursors.encode(list, last) : null;
  if (prefers(NDJSON, request.headers.accept)) {
    linkNext(reply, request.url, next_cursor);
    sendLines(reply, page.map(resource));
    return;
  }
  sendResource(reply, JSON.stringify({ data: page.map(resource), next_cursor }));
}
