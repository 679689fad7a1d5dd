import type { FastifyRequest } from 'fastify';
import { callerOf } from './authentication.js';
import type { Cursors } from './cursor.js';
import type { LedgerQuery } from './ledger-query.js';
import type { ListQuery } from './list-query.js';
import type { OwnerClient } from './owner-client.js';

/** A page as its owner gives it: `next` is where the following one begins. */
type Page = Record<string, unknown> & { readonly next: string | null };

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
  const text = await owner.read(url, caller, request.id, { 404: 'not_found' });
  const { next, ...page } = JSON.parse(text) as Page;
  return { page, next_cursor: next === null ? null : cursors.encode(list, { createdAt: next, id: '' }) };
}
