import type { RawRecord } from '../broker/port.js';

/** NUL is the one character that Postgres's text cannot hold. */
export const NUL = '\0';
/** All headers of one of our messages take 1 KB; this much, as JSON, is kept of anything else. */
const HEADERS_LENGTH_MAX = 32_768;
const HEADERS_MAX = 64;

/** Text from outside, cut so that it can be stored whatever it was made of. */
export function storableText(text: string, length_max: number): string {
  return text.replaceAll(NUL, '').slice(0, length_max);
}

/** A record's headers as text, our own first. What is beyond any message of ours, in number or in length, is left out. */
export function storableHeaders({ headers }: RawRecord): Record<string, string | string[]> {
  const kept: [string, string | string[]][] = [];
  let length = 0;
  const named = Object.entries(headers).sort(([a], [b]) => Number(isOurs(b)) - Number(isOurs(a)));
  for (const [name, value = ''] of named.slice(0, HEADERS_MAX)) {
    const entry: [string, string | string[]] = [textOf(name), Array.isArray(value) ? value.map(textOf) : textOf(value)];
    length += JSON.stringify(entry).length;
    if (length > HEADERS_LENGTH_MAX) break;
    kept.push(entry);
  }
  return Object.fromEntries(kept);
}

function textOf(value: Buffer | string): string {
  return storableText(value.toString(), HEADERS_LENGTH_MAX);
}

function isOurs(name: string): boolean {
  return name.startsWith('ce_') || name === 'traceparent' || name === 'tracestate';
}
