import type { JsonSchema as Schema } from '@payflow/contracts';
import fc, { type Arbitrary } from 'fast-check';
import { readDocument, type ApiDocument, type Operation } from './document.js';
import type { Played } from './example-player.js';
import { Judge } from './judge.js';
import { send, shown, type Told } from './request.js';
import { Requests, type Tried } from './requests.js';
import { Known, Values } from './values.js';

export interface Client {
  readonly base: string;
  readonly apiKey: string;
  /** Of the same organisation, for what there is only in live mode. */
  readonly liveKey: string;
  /** Ids of what is there from the beginning and makes sense together. */
  readonly known: readonly string[];
  /** Requests that were done, with their answers, by operation. */
  readonly played: ReadonlyMap<string, Played>;
  /** What operations are asked with that are for people, by operation. */
  readonly tokens: ReadonlyMap<string, string>;
  /** Ids of what it asks with, which must live on. */
  readonly untouched: readonly string[];
}

export interface Effort {
  /** Of each kind, per operation. */
  readonly examples: number;
  readonly seed: number;
  /** Operations at a time. */
  readonly atATime: number;
  readonly say: (line: string) => void;
  /** Whether the operation is asked at all. */
  readonly asks: (operation: Operation) => boolean;
}

/** What came of the requests to one operation. */
export interface Outcome {
  readonly operation: string;
  readonly sent: number;
  readonly accepted: number;
  /** How often each answer came to what was valid: `201`, `402 insufficient_funds`. */
  readonly told: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

/** How long one example may take on the average, and the search for the smallest request that fails, ms. */
const EXAMPLE_MS = 1_500;
const SHRINKING_MS = 15_000;

/**
 * Sends requests made of the document to every operation: valid ones, and ones with one flaw. Each answer must be one that the
 * document promises; what is flawed must be refused. Ids in the answers are used in the requests that follow.
 */
export async function playProperties(client: Client, effort: Effort): Promise<Outcome[]> {
  const document = await readDocument(client.base);
  const judge = new Judge(document);
  const known = new Known(patternsIn(document), client.known, new Set(client.untouched));
  known.learn([...client.played.values()]);
  const values = new Values(document, known);
  const keyFor = (operation: Operation) =>
    client.tokens.get(operation.id) ?? (isOfLiveMode(operation) ? client.liveKey : client.apiKey);
  const requests = new Requests(document, values, judge, { keyFor, played: client.played });
  const player = new Player(client.base, judge, known);
  // What makes things comes first, so that the rest finds some.
  const asked = document.operations.filter(effort.asks).toSorted((a, b) => rank(a) - rank(b));
  const outcomes: Outcome[] = [];
  for (const queue of [asked.filter((one) => !endsAll(one)), asked.filter(endsAll)]) {
    const work = async () => {
      for (let operation = queue.shift(); operation; operation = queue.shift()) {
        outcomes.push(await player.play(operation, requests, effort));
        effort.say(line(outcomes.at(-1) as Outcome));
      }
    };
    await Promise.all(Array.from({ length: effort.atATime }, work));
  }
  return outcomes;
}

/** Whether the document says that test mode has not got it. */
function isOfLiveMode({ answers }: Operation): boolean {
  return JSON.stringify(answers[403] ?? {}).includes('live_mode_required');
}

/** What is known of the time before a reset means nothing after it: all others come first. */
function endsAll({ path }: Operation): boolean {
  return path.endsWith('/test/reset');
}

class Player {
  constructor(
    private readonly base: string,
    private readonly judge: Judge,
    private readonly known: Known,
  ) {}

  async play(operation: Operation, requests: Requests, { examples, seed }: Effort): Promise<Outcome> {
    let sent = 0;
    let accepted = 0;
    const answers: Record<string, number> = {};
    const faults: string[] = [];
    const tried = async (one: Tried): Promise<void> => {
      const told = await send(this.base, operation, one.asked);
      sent++;
      if (told.status < 300) {
        accepted++;
        this.#learn(told);
      }
      if (one.flaw === undefined) answers[named(told)] = (answers[named(told)] ?? 0) + 1;
      const found = [...this.judge.faults(operation, told), ...faultsOfFlaw(one, told), ...faultsOfForm(one, told)];
      if (found.length > 0) throw new Error(found.join('\n'));
      const next = one.flaw === undefined ? nextPage(one, told) : undefined;
      if (next) await tried(next);
    };
    for (const made of [requests.valid(operation), requests.flawed(operation)])
      faults.push(...(await checked(operation, made, tried, { examples, seed })));
    return { operation: operation.id, sent, accepted, told: answers, faults };
  }

  #learn({ headers, text }: Told): void {
    if (isJson(headers)) this.known.learn(JSON.parse(text));
  }
}

async function checked(
  operation: Operation,
  requests: Arbitrary<Tried>,
  tried: (one: Tried) => Promise<void>,
  { examples, seed }: Pick<Effort, 'examples' | 'seed'>,
): Promise<string[]> {
  const result = await fc.check(fc.asyncProperty(requests, tried), {
    numRuns: examples,
    seed,
    interruptAfterTimeLimit: SHRINKING_MS + examples * EXAMPLE_MS,
  });
  if (result.interrupted && !result.failed) return [`out of time after ${result.numRuns} of ${examples}`];
  if (!result.failed) return [];
  const [one] = (result.counterexample ?? []) as [Tried?];
  const request = one ? `${one.flaw ? `(${one.flaw}) ` : ''}${shown(operation, one.asked)}` : 'no request';
  return [
    `seed ${result.seed}: ${request}\n${String((result.errorInstance as Error | null)?.message ?? result.errorInstance)}`,
  ];
}

/** The page after one that has a cursor; of a page that was asked for by one, none. */
function nextPage({ asked }: Tried, { status, headers, text }: Told): Tried | undefined {
  if (status !== 200 || asked.query.some(([name]) => name === 'cursor') || !isJson(headers)) return undefined;
  const { next_cursor: cursor } = JSON.parse(text) as { readonly next_cursor?: string | null };
  return cursor ? { asked: { ...asked, query: [...asked.query, ['cursor', cursor]] } } : undefined;
}

function isJson(headers: Headers): boolean {
  return /^application\/json/.test(headers.get('content-type') ?? '');
}

function faultsOfFlaw({ flaw, expected }: Tried, { status, text }: Told): string[] {
  if (flaw === undefined) return [];
  if (status < 400) return [`invalid input accepted: ${status}`];
  if (expected === undefined) return [];
  const { code } = JSON.parse(text) as { readonly code?: string };
  return `${status} ${code}` === expected ? [] : [`${status} ${code}, not ${expected}`];
}

/** What is promised in a form comes in it where it is asked for. */
function faultsOfForm({ asked }: Tried, { status, headers }: Told): string[] {
  const wanted = asked.headers['accept'];
  if (wanted === undefined || status >= 300) return [];
  const type = headers.get('content-type') ?? 'no type';
  return type.split(';', 1)[0] === wanted ? [] : [`${status} in ${type}, where ${wanted} was asked for`];
}

function named({ status, text }: Told): string {
  if (status < 400 || !text.startsWith('{')) return String(status);
  return `${status} ${(JSON.parse(text) as { readonly code?: string }).code}`;
}

function rank({ method, path }: Operation): number {
  if (method !== 'POST') return 3;
  // They would refuse what the others ask for.
  if (/(limits|risk_rules|close)$/.test(path)) return 2;
  return path.includes('{') ? 1 : path.endsWith('/accounts') ? -1 : 0;
}

/** All patterns by which the document knows ids. */
function patternsIn(document: ApiDocument): string[] {
  const ids = Object.values(document.schemas).map(({ properties = {} }: Schema) => properties['id']?.pattern);
  return [...new Set(ids.filter((pattern) => pattern !== undefined && /^\^[a-z]+_\[/.test(pattern)))] as string[];
}

function line({ operation, sent, accepted, told, faults }: Outcome): string {
  const often = Object.entries(told).toSorted(([, a], [, b]) => b - a);
  const answers = often.map(([answer, times]) => `${times} × ${answer}`).join(', ');
  const verdict = faults.length === 0 ? 'held' : faults.join('\n');
  return `${operation.padEnd(28)} ${String(sent).padStart(6)} sent ${String(accepted).padStart(6)} accepted  ${verdict}  (${answers})`;
}
