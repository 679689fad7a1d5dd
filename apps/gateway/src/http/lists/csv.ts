/** Spreadsheets run text that begins like a formula, full-width signs as well; a number below zero is none. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^-?\d+$/;
/**
 * Where the list separator is a semicolon or a tab, as it is where decimals have a comma, a spreadsheet cuts our records there, and
 * takes a quote within a cell for a character: the text behind one, or on a new line, is a cell of its own.
 */
const INNER_FORMULA = /[;\t\r\n](?=[" ]*[=+\-@＝＋－＠])/g;

/** One field: quoted where it must be, and harmless to the spreadsheet it is opened with, wherever that cuts it. */
export function csvField(text: string): string {
  const head = FORMULA.test(text) && !NUMBER.test(text) ? "'" : '';
  const harmless = head + text.replaceAll(INNER_FORMULA, "$&'");
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

/** One record as RFC 4180 has it, with its line end. */
export function csvRecord(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`;
}

/** What a thing has at each of the columns, of which `a.b` is the member `b` of `a`: nothing for null, JSON for what is no plain value. */
export function csvFields(thing: object, columns: readonly string[]): string[] {
  return columns.map((column) => textOf(column.split('.').reduce<unknown>(member, thing)));
}

function member(of: unknown, name: string): unknown {
  return typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined;
}

function textOf(value: unknown): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number | boolean);
}
