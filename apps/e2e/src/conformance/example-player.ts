import { newId } from '@payflow/contracts';
import { until } from '@payflow/testing';
import type { ApiDocument, Operation } from './document.js';
import { Judge } from './judge.js';
import { send, shown, versionFor, type Asked, type Told } from './request.js';

type Texts = Readonly<Record<string, string>>;
type Json = Readonly<Record<string, unknown>>;

/** What is asked of an operation, beside what every request has. */
export interface ExampleRequest {
  readonly path?: Texts;
  readonly query?: Texts;
  readonly body?: unknown;
}

/** One example as it was played: what the document shows. */
export interface Played {
  readonly request: ExampleRequest;
  readonly answers: Record<string, unknown>;
}

const FINAL_WITHIN_MS = 60_000;
/** An example that fills a page shows less than none: of a longer answer, its lists are shown with so many. */
const ANSWER_LENGTH_MAX = 8_000;
const SHOWN_OF_A_LIST = 2;

/** Plays requests against a gateway and keeps the first of each operation with its answers. */
export class ExamplePlayer {
  readonly played = new Map<string, Played>();
  readonly #judge: Judge;
  readonly #byId: ReadonlyMap<string, Operation>;

  constructor(
    document: ApiDocument,
    private readonly client: { readonly base: string; readonly apiKey: string },
  ) {
    this.#judge = new Judge(document);
    this.#byId = new Map(document.operations.map((operation) => [operation.id, operation]));
  }

  /**
   * Asks until the outcome is final and shows what it is to show, as a client does: with the same key. Throws where it is not
   * done, or not as documented.
   */
  async play(id: string, request: ExampleRequest = {}, shows: (answer: Json) => boolean = () => true): Promise<Json> {
    const operation = this.#named(id);
    const asked = this.#asked(operation, request, 'wait=10');
    const told = await until(
      `${id} is done`,
      async () => {
        const answer = await send(this.client.base, operation, asked);
        // Not there yet, not ended yet, or more to do than can be done now.
        if ([202, 404, 503, 504].includes(answer.status)) return undefined;
        const told = this.#judged(operation, asked, answer);
        return told.status >= 300 || shows(jsonOf(told)) ? told : undefined;
      },
      FINAL_WITHIN_MS,
    );
    if (told.status >= 300) throw new Error(`${shown(operation, asked)} answered ${told.status} ${told.text}`);
    return this.#keep(id, request, told);
  }

  /** Asks once and takes whatever comes, as long as the document tells of it: of what nobody plays on purpose. */
  async try(id: string, request: ExampleRequest): Promise<number> {
    const operation = this.#named(id);
    return (await this.#send(operation, this.#asked(operation, request, 'wait=0'))).status;
  }

  /** Asks without waiting, to keep what is answered meanwhile. */
  async hurry(id: string, request: ExampleRequest): Promise<void> {
    const operation = this.#named(id);
    const told = await this.#send(operation, this.#asked(operation, request, 'wait=0'));
    if (told.status === 202) this.#keep(id, request, told);
  }

  async #send(operation: Operation, asked: Asked): Promise<Told> {
    return this.#judged(operation, asked, await send(this.client.base, operation, asked));
  }

  #judged(operation: Operation, asked: Asked, told: Told): Told {
    const faults = this.#judge.faults(operation, told);
    if (faults.length > 0) throw new Error(`${shown(operation, asked)}\n${faults.join('\n')}`);
    return told;
  }

  #keep(id: string, request: ExampleRequest, told: Told): Json {
    const { status, text } = told;
    const answers: Record<string, unknown> = this.played.get(id)?.answers ?? {};
    if (!this.played.has(id)) this.played.set(id, { request, answers });
    const json = jsonOf(told);
    if (text !== '') answers[status] ??= text.length <= ANSWER_LENGTH_MAX ? json : shortened(json);
    return json;
  }

  #named(id: string): Operation {
    const operation = this.#byId.get(id);
    if (!operation) throw new Error(`there is no operation ${id}`);
    return operation;
  }

  #asked(operation: Operation, { path = {}, query = {}, body }: ExampleRequest, prefer: string): Asked {
    const { method, isOpen } = operation;
    const ofWrites = method === 'GET' ? {} : { 'idempotency-key': newId('event'), prefer };
    const headers = {
      ...(isOpen ? {} : { authorization: `Bearer ${this.client.apiKey}`, ...ofWrites }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...versionFor(operation),
    };
    return { path, query: Object.entries(query), headers, body };
  }
}

function jsonOf({ text }: Told): Json {
  return text === '' ? {} : (JSON.parse(text) as Json);
}

function shortened(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, SHOWN_OF_A_LIST).map(shortened);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, shortened(member)]));
}

/** The names of all members, wherever they stand: what an example shows, whatever its values are. */
export function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf);
  if (typeof value !== 'object' || value === null) return '';
  // The names of metadata are the client's own.
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, name === 'metadata' ? '' : shapeOf(member)]),
  );
}
