/** Whether a text has so many characters at most, as JSON Schema counts them: JavaScript takes an emoji for two. */
export function isWithin(text: string, max: number): boolean {
  return text.length <= max || (text.length <= 2 * max && [...text].length <= max);
}

/** The first so many units of a text, and no half of a character: PostgreSQL reads no JSON in which one stands. */
export function beginningOf(text: string, units_max: number): string {
  return text.slice(0, units_max).replace(/[\ud800-\udbff]$/, '');
}
