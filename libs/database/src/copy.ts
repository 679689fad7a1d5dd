import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client, escapeIdentifier } from 'pg';
import type { BulkColumn } from './bulk.js';

/** Text is gathered to this much before it is sent: a write per row would cost more than the row. */
const CHUNK_CHARACTERS = 64 * 1024;
const SPECIAL = /[\\\n\r\t]/g;
const ESCAPED: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Fills a table by COPY and returns how many rows it took: what costs least for many rows that nothing conflicts with and nobody
 * wants back. All of them or none. On a connection of its own: the pools' are pipelined, and the driver lets no stream share those.
 */
export async function copyRows<R>(
  url: string,
  {
    table,
    columns,
    prepare,
  }: { readonly table: string; readonly columns: readonly BulkColumn<R>[]; readonly prepare?: string },
  rows: Iterable<R> | AsyncIterable<R>,
): Promise<number> {
  const client = new Client({ connectionString: url });
  // The stream reports what goes wrong; unheard, a backend that dies would end the process.
  client.on('error', () => undefined);
  await client.connect();
  try {
    if (prepare !== undefined) await client.query(prepare);
    // Loaded by whoever copies: no service does so on its way.
    const { from: copyFrom } = await import('pg-copy-streams');
    const names = columns.map(([name]) => escapeIdentifier(name)).join(', ');
    const copy = client.query(copyFrom(`copy ${escapeIdentifier(table)} (${names}) from stdin`));
    await pipeline(Readable.from(texts(columns, rows), { objectMode: false }), copy);
    return copy.rowCount;
  } finally {
    await client.end();
  }
}

async function* texts<R>(
  columns: readonly BulkColumn<R>[],
  rows: Iterable<R> | AsyncIterable<R>,
): AsyncGenerator<string> {
  let text = '';
  for await (const row of rows) {
    text += `${columns.map(([, , value]) => copyText(value(row))).join('\t')}\n`;
    if (text.length < CHUNK_CHARACTERS) continue;
    yield text;
    text = '';
  }
  if (text) yield text;
}

/** One value in COPY's text format. */
export function copyText(value: unknown): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value === 'string') return value.replace(SPECIAL, (character) => ESCAPED[character] as string);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array)
    return `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  return String(value);
}
