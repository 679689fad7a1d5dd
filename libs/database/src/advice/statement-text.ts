/**
 * What a statement is recognised by in the server's statistics, which keep its text with every constant replaced: constants,
 * parameters and lists of them are all alike, and comments and line breaks are nothing.
 */
export function shapeOf(text: string): string {
  return (
    text
      .replace(/--[^\n]*/g, ' ')
      .replace(/\/\*[^]*?\*\//g, ' ')
      .replace(/(?:\bE)?'(?:[^']|'')*'/gi, '?')
      .replace(/\$\d+/g, '?')
      .replace(/(?<![\w.])-?\d+(?:\.\d+)?\b/g, '?')
      .replace(/\b(?:true|false|null)\b/gi, '?')
      // The field is a constant to the server, and none in the text.
      .replace(/\bextract\s*\(\s*(?:\w+|\?)\s+from\b/gi, 'extract(? from')
      .replace(/\?(?:\s*,\s*\?)+/g, '?')
      .replace(/\s+/g, ' ')
      .replace(/\s*([(),])\s*/g, '$1')
      .trim()
      .toLowerCase()
  );
}

/** Finds the product's own statement that a text in the server's statistics came from. */
export class StatementNames {
  private readonly byShape: ReadonlyMap<string, { readonly name: string; readonly text: string }>;

  constructor(named: ReadonlyMap<string, string>) {
    this.byShape = new Map([...named].map(([name, text]) => [shapeOf(text), { name, text }]));
  }

  find(text: string): { readonly name: string; readonly text: string } | undefined {
    return this.byShape.get(shapeOf(text));
  }
}
