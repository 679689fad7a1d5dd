import type { FastifyReply } from 'fastify';

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

/** Whether the type is asked for before JSON; whoever names neither gets JSON. */
export function prefers(type: string, accept: string | undefined): boolean {
  return typesOf(accept).find((one) => one === type || one === 'application/json') === type;
}

/** The form that is asked for first, unless that is JSON; whoever names none gets JSON. */
export function formOf(accept: string | undefined): Form | undefined {
  const first = typesOf(accept).find((one) => one !== undefined && Object.hasOwn(FORMS, one));
  const form = first === undefined ? 'json' : FORMS[first];
  return form === 'json' ? undefined : form;
}

/** Says where the next page is, in forms that have no place for it of their own. */
export function linkNext(reply: FastifyReply, url: string, cursor: string | null): void {
  if (cursor !== null) void reply.header('link', `<${withCursor(url, cursor)}>; rel="next"`);
}

function typesOf(accept: string | undefined): (string | undefined)[] {
  return (accept ?? '').split(',').map((one) => one.split(';', 1)[0]?.trim().toLowerCase());
}

function withCursor(url: string, cursor: string): string {
  const [path = '', query] = url.split('?', 2);
  const parameters = new URLSearchParams(query);
  parameters.set('cursor', cursor);
  return `${path}?${parameters}`;
}
