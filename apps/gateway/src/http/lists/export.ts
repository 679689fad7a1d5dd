import { Readable } from 'node:stream';
import { METRICS } from '@payflow/contracts';
import { PoolExhausted } from '@payflow/database';
import { Retry } from '@payflow/resilience';
import { Problem, unavailable } from '@payflow/service';
import { counter } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { callerIfAny } from '../edge/authentication.js';
import { CSV_COLUMNS } from './csv-columns.js';
import { csvFields, csvRecord } from './csv.js';
import { CSV, formOf, NDJSON, type Form } from './other-forms.js';

/** At one time in this process: each holds a page or two, and the last of them must not wait for the first of the others. */
const EXPORTS_MAX = 16;
/** Those of one organisation: however slowly it takes them, others find a place. */
const EXPORTS_OF_ONE_MAX = 8;
/** Who takes nothing for so long is gone, though their connection may not know it. */
const STALLED_MS = 60_000;

/** Busy, or a service that has the list and does not answer. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504]);

const CONTENT_TYPES: Readonly<Record<Form, string>> = {
  csv: `${CSV}; charset=utf-8; header=present`,
  ndjson: NDJSON,
};

const ended = counter(
  METRICS.exports,
  'Lists carried away, by how that ended: whole, broken by an error, gone (the client went), stalled.',
  ['list', 'form', 'outcome'] as const,
);
const rowsSent = counter(METRICS.exportedRows, 'Rows of lists carried away.', ['list', 'form'] as const);

/** What is under way goes on when whoever has the next page was busy or away for a while. */
export const patience = new Retry('gateway.export', {
  retries_max: 8,
  pause_ms: 100,
  pause_max_ms: 2_000,
  isTransient: (error) => error instanceof PoolExhausted || (error instanceof Problem && AWAY.has(error.status)),
  budget: { share: 1, saved_max: 100 },
});

let running = 0;
/** By organisation. */
const runningOf = new Map<string, number>();

/** What is carried away: the name of its file, and the resource whose columns a CSV of it has. */
export interface Exported {
  readonly name: string;
  readonly resource: keyof typeof CSV_COLUMNS;
}

/** A list as it is carried away. */
export interface Export<P> {
  readonly form: Form;
  readonly name: string;
  readonly pages: AsyncIterable<readonly P[]>;
  readonly write: (page: readonly P[], isFirst: boolean) => string;
}

/** The export of things that a table of columns says all of. */
export function exportOf(form: Form, exported: Exported, pages: AsyncIterable<readonly object[]>): Export<object> {
  return { form, name: exported.name, pages, write: (page, isFirst) => written(form, page, exported, isFirst) };
}

/** True where a list is asked for in one of the forms that carry it away whole. */
export function isExport(request: FastifyRequest): boolean {
  return formOf(request.headers.accept) !== undefined;
}

/** Things in one of the forms; the header of a CSV comes before the first of them. */
export function written(form: Form, things: readonly object[], { resource }: Exported, withHeader: boolean): string {
  if (form === 'ndjson') return things.map((thing) => `${JSON.stringify(thing)}\n`).join('');
  const columns = CSV_COLUMNS[resource];
  const header = withHeader ? csvRecord(columns) : '';
  return header + things.map((thing) => csvRecord(csvFields(thing, columns))).join('');
}

export function headersOf(form: Form, { name }: Pick<Exported, 'name'>): Record<string, string> {
  return {
    'content-type': CONTENT_TYPES[form],
    'content-disposition': `attachment; filename="${name}.${form}"`,
  };
}

/**
 * Sends all pages, each read when the one before has been taken: memory holds two of them, however many there are. What goes
 * wrong with the first is answered as ever. What goes wrong later breaks the connection, so that nobody takes a part for the whole.
 * A client that goes, or takes nothing for a minute, ends the reading.
 */
export async function sendAll<P>(request: FastifyRequest, reply: FastifyReply, of: Export<P>): Promise<void> {
  const leave = enter(callerIfAny(request)?.organisation ?? '');
  const pages = of.pages[Symbol.asyncIterator]() as Pages<P>;
  try {
    const first = await pages.next();
    void reply.status(200).headers(headersOf(of.form, of));
    if (request.method === 'HEAD') {
      leave();
      await pages.return?.();
      // Not nothing: that would be told as a length of 0, and GET has another.
      void reply.send(Readable.from([]));
    } else void reply.send(streamOf(of, pages, first, leave));
  } catch (error) {
    leave();
    throw error;
  }
}

/** Takes a place, or throws 503. What it returns gives the place back, once. */
function enter(organisation: string): () => void {
  const own = runningOf.get(organisation) ?? 0;
  if (running >= EXPORTS_MAX || own >= EXPORTS_OF_ONE_MAX) throw unavailable();
  running++;
  runningOf.set(organisation, own + 1);
  let isThere = true;
  return () => {
    if (!isThere) return;
    isThere = false;
    running--;
    const left = (runningOf.get(organisation) ?? 1) - 1;
    if (left > 0) runningOf.set(organisation, left);
    else runningOf.delete(organisation);
  };
}

type Pages<P> = AsyncIterator<readonly P[], void, void>;

/** What has become of an export when its reading ends. */
interface Progress {
  outcome: 'whole' | 'broken' | 'gone' | 'stalled';
}

function streamOf<P>(
  of: Export<P>,
  pages: Pages<P>,
  first: IteratorResult<readonly P[], void>,
  leave: () => void,
): Readable {
  const progress: Progress = { outcome: 'gone' };
  const labels = { list: of.name, form: of.form };
  const stall = (): void => {
    progress.outcome = 'stalled';
    stream.destroy(new Error(`nothing of an export was taken for ${STALLED_MS} ms`));
  };
  const stream = Readable.from(chunks(of, pages, { first, progress, stall }), { objectMode: false });
  stream.once('close', () => {
    leave();
    ended.inc({ ...labels, outcome: progress.outcome });
  });
  return stream;
}

async function* chunks<P>(
  { form, name: list, write }: Export<P>,
  pages: Pages<P>,
  { first, progress, stall }: { first: IteratorResult<readonly P[], void>; progress: Progress; stall: () => void },
): AsyncGenerator<string, void> {
  try {
    let isFirst = true;
    progress.outcome = 'broken';
    for (let page = first; !page.done; page = await pages.next()) {
      const text = write(page.value, isFirst);
      const timer = setTimeout(stall, STALLED_MS);
      try {
        // What ends it here is whoever takes it, or has stopped taking: that comes as an error as well, and none of ours.
        progress.outcome = 'gone';
        yield text;
      } finally {
        clearTimeout(timer);
      }
      progress.outcome = 'broken';
      rowsSent.inc({ list, form }, page.value.length);
      isFirst = false;
    }
    if (isFirst && form === 'csv') yield write([], true);
    progress.outcome = 'whole';
  } finally {
    await pages.return?.();
  }
}
