/** Spreadsheets run text that begins like a formula, full-width signs as well; a number below zero is none. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;
const NUMBER = /^-?\d+$/;

/** One field: quoted where it must be, and harmless to the spreadsheet it is opened with. */
export function csvField(text: string): string {
  const harmless = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
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
