/** RFC 3339 knows no hour 24: the day that it ends has a last millisecond, and the next one a first. */
const INSTANT = /^(\d{4})-(\d{2})-(\d{2})T(?!24)\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;

/** The instant in UTC with milliseconds, or undefined when the text is none: no zone, no such day, no such hour. */
export function canonicalInstant(text: string): string | undefined {
  const [, year, month, day] = INSTANT.exec(text) ?? [];
  const time = Date.parse(text);
  if (!year || Number.isNaN(time)) return undefined;
  // Date.parse takes 30 February for 2 March.
  const lastDay = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  const instant = new Date(time).toISOString();
  // The calendar of the database begins with the year 1 and ours ends with 9999, a zone's hours before and after.
  return Number(day) <= lastDay && /^(?!0000)\d{4}-/.test(instant) ? instant : undefined;
}
