import type { JsonSchema as Schema } from '@payflow/contracts';
import fc, { type Arbitrary } from 'fast-check';
import { readDocument, type ApiDocument, type Operation } from './document.js';
import { Judge } from './judge.js';
import { send, shown, type Told } from './request.js';
import { Requests, type Tried } from './requests.js';
import { Known, Values } from './values.js';

export interface Client {
  readonly base: string;
  readonly apiKey: string;
  /** Ids of what is there from the beginning. */
  readonly known: readonly string[];
}

export interface Effort {
  /** Of each kind, per operation. */
  readonly examples: number;
  readonly seed: number;
  /** Operations at a time. */
  readonly atATime: number;
  readonly say: (line: string) => void;
}

/** What came of the requests to one operation. */
export interface Outcome {
  readonly operation: string;
  readonly sent: number;
  readonly accepted: number;
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
  const known = new Known(patternsIn(document));
  known.learn(client.known);
  const values = new Values(document, known);
  const requests = new Requests(document, values, judge, client.apiKey);
  const player = new Player(client.base, judge, known);
  // What makes things comes first, so that the rest finds some.
  const queue = document.operations.toSorted((a, b) => rank(a) - rank(b));
  const outcomes: Outcome[] = [];
  const work = async () => {
    for (let operation = queue.shift(); operation; operation = queue.shift()) {
      outcomes.push(await player.play(operation, requests, effort));
      effort.say(line(outcomes.at(-1) as Outcome));
    }
  };
  await Promise.all(Array.from({ length: effort.atATime }, work));
  return outcomes;
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
    const faults: string[] = [];
    const tried = async (one: Tried) => {
      const told = await send(this.base, operation, one.asked);
      sent++;
      if (told.status < 300) {
        accepted++;
        this.#learn(told);
      }
      const found = [...this.judge.faults(operation, told), ...faultsOfFlaw(one, told)];
      if (found.length > 0) throw new Error(found.join('\n'));
    };
    for (const made of [requests.valid(operation), requests.flawed(operation)])
      faults.push(...(await checked(operation, made, tried, { examples, seed })));
    return { operation: operation.id, sent, accepted, faults };
  }

  #learn({ headers, text }: Told): void {
    if (/^application\/json/.test(headers.get('content-type') ?? '')) this.known.learn(JSON.parse(text));
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

function faultsOfFlaw({ flaw, expected }: Tried, { status, text }: Told): string[] {
  if (flaw === undefined) return [];
  if (status < 400) return [`invalid input accepted: ${status}`];
  if (expected === undefined) return [];
  const { code } = JSON.parse(text) as { readonly code?: string };
  return `${status} ${code}` === expected ? [] : [`${status} ${code}, not ${expected}`];
}

function rank({ method, path }: Operation): number {
  if (method !== 'POST') return 2;
  return path.includes('{') ? 1 : path.endsWith('/accounts') ? -1 : 0;
}

/** All patterns by which the document knows ids. */
function patternsIn(document: ApiDocument): string[] {
  const ids = Object.values(document.schemas).map(({ properties = {} }: Schema) => properties['id']?.pattern);
  return [...new Set(ids.filter((pattern) => pattern !== undefined && pattern.includes('_')))] as string[];
}

function line({ operation, sent, accepted, faults }: Outcome): string {
  return `${operation.padEnd(28)} ${String(sent).padStart(6)} sent ${String(accepted).padStart(6)} accepted  ${faults.length === 0 ? 'held' : faults.join('\n')}`;
}
