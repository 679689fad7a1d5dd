import { readPage } from '@payflow/database';
import { Problem } from '@payflow/service';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Owner } from '../../database/keys.js';
import type { Page, PagePosition } from '../../database/list-statement.js';
import { respond, sendResource } from '../answers/answer.js';
import { stepAside } from '../../load/admission.js';
import { callerOf } from '../edge/authentication.js';
import type { CSV_COLUMNS } from './csv-columns.js';
import type { Cursors } from './cursor.js';
import { exportOf, headersOf, patience, sendAll, written, type Exported } from './export.js';
import type { FilterReaders } from './list-filters.js';
import { withoutExpand } from '../answers/expand.js';
import { ListReads } from './list-reads.js';
import { parseListQuery } from './list-query.js';
import { formFor, linkNext, type Form } from './other-forms.js';

/** Of the whole process, as the pool is. */
const reads = new ListReads();
/** Rows of one read of what is carried away: large enough that the way there and back is little of it. */
const EXPORT_PAGE = 500;

/** One list of the API. */
export interface List<F, V> {
  readonly name: string;
  readonly filters: FilterReaders<F>;
  readonly read: (owner: Owner, page: Page<F>) => Promise<readonly V[]>;
  readonly resource: (view: V) => object;
  /** The columns of its CSV. */
  readonly columns: keyof typeof CSV_COLUMNS;
  /** What may be shown within each, and how a page is shown with it. */
  readonly expansion?: Expansion<V>;
}

export interface Expansion<V> {
  readonly names: readonly string[];
  /**
   * As many of the page, from its first on, as make one answer with what is named, one at least; what it reads of the database it
   * reads in its turn, as the list itself is read.
   */
  readonly expand: (page: readonly V[], names: readonly string[], inTurn: InTurn) => Promise<readonly object[]>;
}

/** Lets a read to the database when it is its turn. */
export type InTurn = <T>(read: () => Promise<T>) => Promise<T>;

/** The turns of what a request reads of a list. `isExport`: all of the list, which can wait. */
export function turnsOf(request: FastifyRequest, isExport: boolean): InTurn {
  const { organisation } = callerOf(request);
  return (read) => reads.run(read, () => stepAside(request), organisation, isExport);
}

/**
 * Answers with one page of a list, newest first, and the cursor to the next. As CSV or lines of JSON the whole list is sent from the
 * cursor on, unless a limit is given: then one page of it, and `Link` tells the next.
 */
export async function sendPage<F extends object, V extends PagePosition>(
  request: FastifyRequest,
  reply: FastifyReply,
  cursors: Cursors,
  list: List<F, V>,
): Promise<void> {
  const { name, filters, read, resource, expansion, columns } = list;
  const { tenant, livemode } = callerOf(request);
  const form = formFor(request, reply);
  const { url, expand } = expansion ? withoutExpand(request.url, expansion.names) : { url: request.url, expand: [] };
  if (form === 'csv' && expand.length > 0) throw notInRecords();
  const query = parseListQuery(url, filters);
  const { filter, limit, cursor, canonical } = query;
  const signed = `${name} ${tenant} ${livemode} ${canonical}`;
  const after = cursor === undefined ? undefined : cursors.decode(signed, cursor);
  const inTurn = turnsOf(request, form !== undefined && !query.bounded);
  const show = (page: readonly V[]): Promise<readonly object[]> | readonly object[] =>
    expansion && expand.length > 0 ? expansion.expand(page, expand, inTurn) : page.map(resource);
  if (form && !query.bounded) {
    const page = (place: PagePosition | undefined) =>
      inTurn(() => read({ tenant, livemode }, { filter, after: place, limit: EXPORT_PAGE }));
    const pages = allPages(page, show, after);
    return sendAll(request, reply, exportOf(form, { name: fileName(name), resource: columns }, pages));
  }
  const { rows, last } = await readPage(limit, (count) =>
    inTurn(() => read({ tenant, livemode }, { filter, after, limit: count })),
  );
  const shown = await show(rows);
  const end = shown.length < rows.length ? rows[shown.length - 1] : last;
  const next_cursor = end ? cursors.encode(signed, end) : null;
  if (form)
    sendForm(
      reply,
      request.url,
      { form, exported: { name: fileName(name), resource: columns } },
      { shown, next_cursor },
    );
  else sendResource(reply, JSON.stringify({ data: shown, next_cursor }));
}

function notInRecords(): Problem {
  const detail = 'Records have no room for what is expanded: ask for JSON or NDJSON.';
  return new Problem('invalid_parameter', { errors: [{ pointer: 'expand', code: 'not_supported', detail }] });
}

/** One page in another form: who reads it knows the order of its columns from the first. */
export function sendForm(
  reply: FastifyReply,
  url: string,
  { form, exported }: { readonly form: Form; readonly exported: Exported },
  { shown, next_cursor }: { readonly shown: readonly object[]; readonly next_cursor: string | null },
): void {
  linkNext(reply, url, next_cursor);
  respond(reply, { headers: headersOf(form, exported), body: written(form, shown, exported, true) });
}

/** All pages of a list, each read when it is its turn. The first must come at once or be refused. */
async function* allPages<V extends PagePosition>(
  read: (after: PagePosition | undefined) => Promise<readonly V[]>,
  show: (page: readonly V[]) => Promise<readonly object[]> | readonly object[],
  after: PagePosition | undefined,
): AsyncGenerator<readonly object[], void> {
  const take = async (place: PagePosition | undefined) => {
    const rows = await read(place);
    return { rows, shown: await show(rows) };
  };
  for (let { rows, shown } = await take(after); rows.length > 0;) {
    yield shown;
    if (shown.length === rows.length && rows.length < EXPORT_PAGE) return;
    const last = rows[shown.length - 1];
    ({ rows, shown } = await patience.run(() => take(last)));
  }
}

/** `disputes pay_…` are the disputes of one payment. */
function fileName(name: string): string {
  return name.split(' ', 1)[0] as string;
}
