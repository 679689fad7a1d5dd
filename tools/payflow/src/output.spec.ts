import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { outlivesItsReader } from './output.js';

it('goes on where nobody reads what it writes, and nowhere else', () => {
  const output = new PassThrough();
  outlivesItsReader(output);
  const failed = (code: string) => output.emit('error', Object.assign(new Error(code), { code }));
  expect(() => failed('EPIPE')).not.toThrow();
  expect(() => failed('ENOSPC')).toThrow('ENOSPC');
});
