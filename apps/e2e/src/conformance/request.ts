import type { Operation } from './document.js';

/** One request to an operation, as it is sent. */
export interface Asked {
  readonly path: Readonly<Record<string, string>>;
  readonly query: readonly (readonly [name: string, text: string])[];
  readonly headers: Readonly<Record<string, string>>;
  /** The body's JSON; undefined where there is none. */
  readonly body: unknown;
  /** The body as it is written, where that is no JSON. */
  readonly raw?: string;
}

/** An answer, read. */
export interface Told {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const TIMEOUT_MS = 30_000;

/** Sends a request to the operation. */
export async function send(base: string, operation: Operation, asked: Asked): Promise<Told> {
  const body = asked.raw ?? (asked.body === undefined ? undefined : JSON.stringify(asked.body));
  const answer = await fetch(`${base}${addressOf(operation, asked)}`, {
    method: operation.method,
    headers: asked.headers,
    signal: AbortSignal.timeout(TIMEOUT_MS),
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
}

/** Whatever version is there, where one must be named. */
export function versionFor({ parameters }: Operation): Readonly<Record<string, string>> {
  return parameters.some(({ name, required }) => name === 'If-Match' && required) ? { 'if-match': '*' } : {};
}

export function addressOf({ path }: Operation, { path: named, query }: Asked): string {
  const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(named[name] ?? ''));
  const told = query.map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text)}`).join('&');
  return told === '' ? filled : `${filled}?${told}`;
}

/** The request as a line that can be sent again by hand. */
export function shown(operation: Operation, asked: Asked): string {
  const body = asked.raw ?? (asked.body === undefined ? '' : JSON.stringify(asked.body));
  const headers = Object.fromEntries(Object.entries(asked.headers).filter(([name]) => name !== 'authorization'));
  return `${operation.method} ${addressOf(operation, asked)} ${JSON.stringify(headers)} ${body.slice(0, 1_000)}`;
}
