/** How a provider's words are read: with distrust, field by field. What is not as it should be is undefined, and never a guess. */
export type Fields = Readonly<Record<string, unknown>>;

const TEXT_MAX = 255;
/** What no name, code or address has in it, and PostgreSQL cannot keep: an answer with it would be read for ever, and never written down. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;

/** The JSON of a body; undefined where it is none. */
export function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** An object's fields; undefined for anything else. */
export function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

/** A name, a code or a number that can be kept. */
export function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length === 0 || value.length > TEXT_MAX) return undefined;
  return UNSTORABLE.test(value) ? undefined : value;
}

/** RFC 3339 with its zone: what says less is another instant in every process that reads it. */
const INSTANT_PATTERN = /^[12]\d{3}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/i;

/** As we write it; null for what the provider does not say, or not so that it can be read. */
export function instantOf(value: unknown): string | null {
  const at = typeof value === 'string' && INSTANT_PATTERN.test(value) ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}

const ADDRESS_MAX = 2_000;

/** Where a customer is sent: never to a script, and never longer than our events carry. */
export function addressOf(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > ADDRESS_MAX || !URL.canParse(value)) return undefined;
  return /^https?:\/\//.test(value) && !UNSTORABLE.test(value) ? value : undefined;
}
