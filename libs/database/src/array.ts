/**
 * An array parameter of values that need no quoting: UUIDs, numbers, booleans, names. The driver would run two regular
 * expressions over each of them, which costs more than the rest of a set-based insert.
 */
export function plainArray(values: readonly (string | number | bigint | boolean | null)[]): string {
  return `{${values.map((value) => value ?? 'NULL').join(',')}}`;
}

/** ASCII's record separator: it never occurs in JSON, which escapes control characters. */
const SEPARATOR = '\u001e';

/** Many JSON texts as one parameter, unquoted. In SQL: `string_to_array($1, chr(30))`. */
export function joinJson(texts: readonly string[]): string {
  return texts.join(SEPARATOR);
}
