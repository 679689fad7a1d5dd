import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendResource } from './answer.js';
import { callerOf } from '../edge/authentication.js';
import type { Cursors } from '../lists/cursor.js';
import { exportOf, patience, sendAll, type Exported } from '../lists/export.js';
import type { LedgerQuery } from '../ledger/ledger-query.js';
import { sendForm } from '../lists/list-page.js';
import type { ListQuery } from '../lists/list-query.js';
import { formFor } from '../lists/other-forms.js';
import type { OwnerClient, Refusals } from '../owner/owner-client.js';

/** A page as its owner gives it: `next` is where the following one begins. */
type Page = Record<string, unknown> & { readonly next: string | null };

/** Pages of a list that its owner reads, and what they are made of. */
export interface ForwardedList {
  readonly owner: OwnerClient;
  readonly cursors: Cursors;
  readonly path: string;
  readonly exported: Exported;
}

/** Most that an owner gives in one page. */
const OWNER_PAGE = 200;

/** Answers with one page, or with the whole list in the form that is asked for, as `sendPage` does of our own lists. */
export async function sendForwarded(
  list: ForwardedList,
  query: ListQuery<LedgerQuery>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const form = formFor(request, reply);
  if (form && !query.bounded) {
    const pages = forwardedPages(list, query, request, (page) => page['data'] as object[]);
    return sendAll(request, reply, exportOf(form, list.exported, pages));
  }
  const { page, next_cursor } = await forwardedPage(list, query, request);
  if (!form) return sendResource(reply, JSON.stringify({ ...page, next_cursor }));
  sendForm(reply, request.url, { form, exported: list.exported }, { shown: page['data'] as object[], next_cursor });
}

/** All pages from the query's cursor on, each read when it is its turn. */
export async function* forwardedPages<P>(
  list: Pick<ForwardedList, 'owner' | 'cursors' | 'path'>,
  query: ListQuery<LedgerQuery>,
  request: FastifyRequest,
  of: (page: Record<string, unknown>, isLast: boolean) => readonly P[],
): AsyncGenerator<readonly P[], void> {
  const read = (cursor: string | undefined) => forwardedPage(list, { ...query, limit: OWNER_PAGE, cursor }, request);
  // The first must come at once or be refused.
  for (let { page, next_cursor } = await read(query.cursor); ;) {
    yield of(page, next_cursor === null);
    if (next_cursor === null) return;
    const cursor = next_cursor;
    ({ page, next_cursor } = await patience.run(() => read(cursor)));
  }
}

/** One page, and the signed cursor to the next: the place in it is the owner's, and nobody else's to choose. */
export async function forwardedPage(
  { owner, cursors, path }: { readonly owner: OwnerClient; readonly cursors: Cursors; readonly path: string },
  { filter, limit, cursor, canonical }: ListQuery<LedgerQuery>,
  request: FastifyRequest,
): Promise<{ readonly page: Record<string, unknown>; readonly next_cursor: string | null }> {
  const caller = callerOf(request);
  const list = `${path} ${caller.tenant} ${caller.livemode} ${canonical}`;
  const after = cursor === undefined ? {} : { after: cursors.decode(list, cursor).createdAt };
  const url = `/api/v1${path}?${new URLSearchParams({ ...filter, ...after, limit: String(limit) })}`;
  // All else was looked at here: a place that its owner cannot read was written before its places were as they are now.
  const refusals: Refusals = { 404: 'not_found', ...(cursor === undefined ? {} : { 400: 'cursor_invalid' }) };
  const text = await owner.read(url, caller, request.id, refusals);
  const { next, ...page } = JSON.parse(text) as Page;
  return { page, next_cursor: next === null ? null : cursors.encode(list, { createdAt: next, id: '' }) };
}
