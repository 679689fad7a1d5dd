/** What needs no quotes inside an array literal: UUIDs, numbers, instants, names. */
const PLAIN = /^[A-Za-z0-9_:.+-]+$/;
const SPECIAL = /["\\]/g;

/**
 * An array parameter as Postgres reads it. The driver runs two regular expressions over every element and quotes all of
 * them, which cost more than the rest of a set-based insert; most elements of ours need neither.
 */
export function arrayLiteral(values: readonly unknown[]): string {
  return `{${values.map(element).join(',')}}`;
}

function element(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value === 'string')
    return PLAIN.test(value) && !isNull(value) ? value : `"${value.replace(SPECIAL, '\\$&')}"`;
  if (value instanceof Date) return `"${value.toISOString()}"`;
  if (value instanceof Uint8Array)
    return `"\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}"`;
  if (Array.isArray(value)) return arrayLiteral(value);
  if (typeof value === 'object') return `"${JSON.stringify(value).replace(SPECIAL, '\\$&')}"`;
  return String(value);
}

/** Unquoted, any spelling of NULL is SQL's. */
function isNull(text: string): boolean {
  return text.length === 4 && text.toUpperCase() === 'NULL';
}

/** ASCII's record separator: it never occurs in JSON, which escapes control characters. */
const SEPARATOR = '\u001e';

/** Many JSON texts as one parameter, unquoted. In SQL: `string_to_array($1, chr(30))`. */
export function joinJson(texts: readonly string[]): string {
  return texts.join(SEPARATOR);
}
