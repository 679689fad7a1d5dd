import type { Writable } from 'node:stream';

/** Whoever reads may have enough (`payflow … | head`): what was asked for is done to its end all the same. */
export function outlivesItsReader(output: Writable): void {
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Prints rows as an aligned table, or a sentence when there are none. */
export function printTable(rows: readonly Readonly<Record<string, unknown>>[], none: string): void {
  const [first] = rows;
  if (!first) {
    process.stdout.write(`${none}\n`);
    return;
  }
  const columns = Object.keys(first);
  const cells = rows.map((row) => columns.map((column) => printable(row[column])));
  const widths = columns.map((column, at) => Math.max(column.length, ...cells.map((line) => line[at]?.length ?? 0)));
  for (const line of [columns, ...cells]) {
    process.stdout.write(
      `${line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd()}\n`,
    );
  }
}

function printable(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (value instanceof Date) return value.toISOString();
  return String(value).replaceAll(DECEPTIVE, escaped);
}

/** What tenants and errors say is shown on somebody's terminal: it must not end a line, nor move the cursor, nor hide anything. */
const DECEPTIVE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  return character === '\n' ? '\\n' : `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
