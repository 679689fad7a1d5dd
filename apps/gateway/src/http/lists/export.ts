import type { Socket } from 'node:net';
import { Readable } from 'node:stream';
import { METRICS } from '@payflow/contracts';
import { isConnectionLoss } from '@payflow/database';
import { Refused, Retry } from '@payflow/resilience';
import { Problem } from '@payflow/service';
import { counter } from '@payflow/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { stepAside } from '../../load/admission.js';
import { callerIfAny } from '../edge/authentication.js';
import { CSV_COLUMNS } from './csv-columns.js';
import { csvFields, csvRecord } from './csv.js';
import { ExportPlaces, type ExportPlace } from './export-places.js';
import { CSV, formOf, NDJSON, type Form } from './other-forms.js';

/** Who takes nothing for so long is gone, though their connection may not know it. */
const STALLED_MS = 60_000;
/** After so long it is the reader who is waited for, and no worker's time. */
const ASIDE_MS = 1_000;

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
  isTransient: isAway,
  budget: { share: 1, saved_max: 100 },
});

/** A statement whose time is up is none of it: it takes as long the next time. */
function isAway(error: unknown): boolean {
  if (error instanceof Problem) return AWAY.has(error.status);
  // What our own lists throw has not been through the edge yet: a lost connection, or the breaker that stands before the database.
  return isConnectionLoss(error) || error instanceof Refused;
}

/** Of the whole process. */
const PLACES = new ExportPlaces();

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
 * A client that goes, or takes nothing for a minute, ends the reading; sooner, where its place is needed.
 */
export async function sendAll<P>(
  request: FastifyRequest,
  reply: FastifyReply,
  of: Export<P>,
  places = PLACES,
): Promise<void> {
  const place = places.enter(callerIfAny(request)?.organisation ?? '');
  const pages = of.pages[Symbol.asyncIterator]() as Pages<P>;
  try {
    const first = await pages.next();
    void reply.status(200).headers(headersOf(of.form, of));
    if (request.method === 'HEAD') {
      place.leave();
      await pages.return?.();
      // Not nothing: that would be told as a length of 0, and GET has another.
      void reply.send(Readable.from([]));
    } else {
      const stream = streamOf(of, pages, first, new Reader(place, () => stepAside(request)));
      if (request.raw.httpVersion === '1.0') stream.once('error', () => reset(request.raw.socket));
      void reply.send(stream);
    }
  } catch (error) {
    place.leave();
    throw error;
  }
}

/** The end of a body of HTTP/1.0 is the end of its connection: only what is reset does not look whole. TLS tells the two apart itself. */
function reset(socket: Socket): void {
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

type Pages<P> = AsyncIterator<readonly P[], void, void>;

/** What has become of an export when its reading ends. */
interface Progress {
  outcome: 'whole' | 'broken' | 'gone' | 'stalled';
}

/** Who takes an export, as far as it is waited for: whoever is slow holds no worker meanwhile, and not for ever a place. */
class Reader {
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(
    private readonly place: ExportPlace,
    private readonly aside: () => void,
  ) {}

  /** There is something to take; `cut` is called where nobody takes it. */
  waits(cut: (why: string) => void): void {
    this.place.stands(() => cut('an export was taken slowly, and its place needed'));
    this.#timers.push(
      setTimeout(this.aside, ASIDE_MS),
      setTimeout(() => cut(`no page of an export was taken for ${STALLED_MS} ms`), STALLED_MS),
    );
  }

  takes(): void {
    this.place.taken();
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  leaves(): void {
    this.takes();
    this.place.leave();
  }
}

function streamOf<P>(
  of: Export<P>,
  pages: Pages<P>,
  first: IteratorResult<readonly P[], void>,
  reader: Reader,
): Readable {
  const progress: Progress = { outcome: 'gone' };
  const labels = { list: of.name, form: of.form };
  const cut = (why: string): void => {
    progress.outcome = 'stalled';
    stream.destroy(new Error(why));
  };
  const waits = (): void => reader.waits(cut);
  const stream = Readable.from(chunks(of, pages, { first, progress, waits, takes: () => reader.takes() }), {
    objectMode: false,
  });
  stream.once('close', () => {
    reader.leaves();
    ended.inc({ ...labels, outcome: progress.outcome });
  });
  return stream;
}

/** How an export goes, as it is told to who reads it and to who counts. */
interface Going<P> {
  readonly first: IteratorResult<readonly P[], void>;
  readonly progress: Progress;
  readonly waits: () => void;
  readonly takes: () => void;
}

async function* chunks<P>(
  { form, name: list, write }: Export<P>,
  pages: Pages<P>,
  { first, progress, waits, takes }: Going<P>,
): AsyncGenerator<string, void> {
  try {
    let isFirst = true;
    progress.outcome = 'broken';
    for (let page = first; !page.done; page = await pages.next()) {
      const text = write(page.value, isFirst);
      waits();
      try {
        // What ends it here is whoever takes it, or has stopped taking: that comes as an error as well, and none of ours.
        progress.outcome = 'gone';
        yield text;
      } finally {
        takes();
      }
      progress.outcome = 'broken';
      rowsSent.inc({ list, form }, page.value.length);
      isFirst = false;
    }
    if (isFirst && form === 'csv') yield write([], true);
    progress.outcome = 'whole';
    // What was last given may not have been taken yet.
    waits();
  } finally {
    await pages.return?.();
  }
}
