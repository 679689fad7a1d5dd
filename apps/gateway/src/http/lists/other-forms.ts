import type { FastifyReply, FastifyRequest } from 'fastify';
import { partsOfAddress } from '../edge/address.js';
import { addVary } from '../edge/vary.js';

/** A line of JSON per thing, for what is read by programs as it comes. */
export const NDJSON = 'application/x-ndjson';
/** A record per thing, for spreadsheets. */
export const CSV = 'text/csv';

/** The forms of a list beside JSON. */
export type Form = 'csv' | 'ndjson';

const FORMS: Readonly<Record<string, Form | 'json'>> = {
  [CSV]: 'csv',
  [NDJSON]: 'ndjson',
  'application/json': 'json',
};

/** Whether lines of JSON are wanted more than JSON in one piece; whoever names neither gets JSON. */
export function wantsLines(accept: string | undefined): boolean {
  return wanted(accept, [NDJSON, 'application/json']) === NDJSON;
}

/** The form that is wanted most, unless that is JSON; whoever names none gets JSON. */
export function formOf(accept: string | undefined): Form | undefined {
  const type = wanted(accept, Object.keys(FORMS));
  const form = type === undefined ? 'json' : FORMS[type];
  return form === 'json' ? undefined : form;
}

/** {@link formOf} of what is read, whose answer says that it depends on it. */
export function formFor(request: FastifyRequest, reply: FastifyReply): Form | undefined {
  addVary(reply, 'accept');
  return formOf(request.headers.accept);
}

/** Says where the next page is, in forms that have no place for it of their own. */
export function linkNext(reply: FastifyReply, url: string, cursor: string | null): void {
  if (cursor !== null) void reply.header('link', `<${withCursor(url, cursor)}>; rel="next"`);
}

/** Nearly all ask for JSON or anything, and are done with it. */
const OTHERS = /csv|ndjson/i;
/** RFC 9110 §12.4.2: three digits at most, and never above one. */
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i;

/** Which of the types is wanted most, as RFC 9110 §12.5.1 weighs them, and of equals the first; undefined where none is. */
function wanted(accept: string | undefined, types: readonly string[]): string | undefined {
  if (accept === undefined || !OTHERS.test(accept)) return undefined;
  let best: string | undefined;
  let bestWeight = 0;
  for (const one of accept.split(',')) {
    const [type = '', ...parameters] = one.split(';').map((part) => part.trim().toLowerCase());
    const weight = weightOf(parameters);
    if (weight <= bestWeight || !types.includes(type)) continue;
    best = type;
    bestWeight = weight;
  }
  return best;
}

/** What is malformed asks for nothing. */
function weightOf(parameters: readonly string[]): number {
  const weight = parameters.find((parameter) => parameter.startsWith('q='));
  return weight === undefined ? 1 : Number(WEIGHT.exec(weight)?.[1] ?? 0);
}

function withCursor(url: string, cursor: string): string {
  const [path, query] = partsOfAddress(url);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `${path}?${parameters}`;
}
