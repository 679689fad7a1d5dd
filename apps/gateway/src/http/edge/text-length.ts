/** Whether a text has so many characters at most, as JSON Schema counts them: JavaScript takes an emoji for two. */
export function isWithin(text: string, max: number): boolean {
  return text.length <= max || (text.length <= 2 * max && [...text].length <= max);
}
