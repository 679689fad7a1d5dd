import { PassThrough } from 'node:stream';
import { expect, it, vi } from 'vitest';
import { outlivesItsReader, printTable } from './output.js';

it('goes on where nobody reads what it writes, and nowhere else', () => {
  const output = new PassThrough();
  outlivesItsReader(output);
  const failed = (code: string) => output.emit('error', Object.assign(new Error(code), { code }));
  expect(() => failed('EPIPE')).not.toThrow();
  expect(() => failed('ENOSPC')).toThrow('ENOSPC');
});

it('prints a row on one line, whatever is in it', () => {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  printTable([{ name: 'a\nI7  ok', cause: '\u001b[2J\u202egnol\u200b', 'is é': '✓' }], 'nothing');
  const lines = written.mock.calls.map(([text]) => String(text));
  written.mockRestore();
  expect(lines[1]).toBe('a\\nI7  ok  \\u{1b}[2J\\u{202e}gnol\\u{200b}  ✓\n');
});
