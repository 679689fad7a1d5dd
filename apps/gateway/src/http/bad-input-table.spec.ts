import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../../..');
const ROW = /^\| (?<what>[^|]+) \| [^|]+ \| (?<file>\S+\.spec\.ts) \| (?<words>[^|]+) \|$/gm;

const rows = [...readFileSync(join(ROOT, 'docs/gateway/bad-input.md'), 'utf8').matchAll(ROW)].map(
  ({ groups = {} }) => [groups['what'], groups['file'], groups['words']] as [string, string, string],
);

it('has a row for each case', () => expect(rows.length).toBeGreaterThan(40));

it.each(rows)('%s is shown by %s', (_what, file, words) => {
  const path = /^(apps|libs)\//.test(file) ? file : `apps/gateway/src/http/${file}`;
  expect(readFileSync(join(ROOT, path), 'utf8')).toContain(words);
});
