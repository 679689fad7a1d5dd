import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '@payflow/contracts';
import { jsonOf, type ApiClient, type CallOptions, type Reply } from './api-client.js';
import { describe } from './merchant.js';

type Answer = Extract<Reply, { kind: 'answer' }>;

/** Something that is wanted once, and asked for under one key as often as it takes. */
export interface Intent {
  readonly path: string;
  readonly options: CallOptions;
}

export function intentOf(path: string, body: object, more: Partial<CallOptions> = {}): Intent {
  return { path, options: { body: JSON.stringify(body), idempotencyKey: newId('event'), ...more } };
}

const RETRY_MS_MIN = 25;
const RETRY_MS_MAX = 500;
/** Whatever dies meanwhile. */
const PATIENCE_MS = 300_000;
/** Of what comes with a last word, what says something of the resource. */
const HEADERS = ['content-type', 'location', 'etag'] as const;

/** What is counted of all that is asked. */
export interface Count {
  /** Requests that somebody answered. */
  answered: number;
  /** Requests that taught nothing: the connection broke, or the answer was a 5xx. */
  unknown: number;
  /** Last words, of which all but the first of a key say what that has said. */
  final: number;
}

/**
 * Asks for one thing with so many copies at once, each of them again and again until it hears the last word. Throws where two of
 * these words differ by a byte.
 */
export async function askedAtOnce(api: ApiClient, intent: Intent, copies: number, count: Count): Promise<Answer> {
  const answers = await Promise.all(Array.from({ length: copies }, () => lastWord(api, intent, count)));
  const [first] = answers as [Answer, ...Answer[]];
  for (const answer of answers) expectSame(intent, first, answer);
  return first;
}

/** Throws where the two say something else. */
export function expectSame({ path, options }: Intent, one: Answer, other: Answer): void {
  const isSame =
    one.status === other.status &&
    one.body.equals(other.body) &&
    HEADERS.every((name) => one.headers[name] === other.headers[name]);
  if (!isSame)
    throw new Error(
      `${path} under ${options.idempotencyKey} was answered twice, and differently: ${described(one)} then ${described(other)}`,
    );
}

/** Asks until there is a last word. */
export async function lastWord(api: ApiClient, { path, options }: Intent, count: Count): Promise<Answer> {
  const end = performance.now() + PATIENCE_MS;
  for (let wait_ms = RETRY_MS_MIN; ; wait_ms = Math.min(wait_ms * 2, RETRY_MS_MAX)) {
    const reply = await api.call(path, options);
    if (reply.status > 0) count.answered++;
    if (reply.kind === 'unknown') count.unknown++;
    else if (isLast(reply)) {
      count.final++;
      return reply;
    }
    if (performance.now() > end) throw new Error(`${path} has no end yet; last: ${describe(reply)}`);
    await delay(wait_ms);
  }
}

function isLast(reply: Answer): boolean {
  if (reply.status === 202) return false;
  return reply.status < 400 || jsonOf<{ retryable?: boolean }>(reply).retryable !== true;
}

function described(answer: Answer): string {
  const headers = HEADERS.map((name) => `${name}: ${String(answer.headers[name])}`).join(', ');
  return `${describe(answer)} (${headers})`;
}
