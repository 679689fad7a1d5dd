import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROBLEMS } from '@payflow/contracts';
import { expect, it } from 'vitest';
import { problemBody } from './problem.js';

const ROOT = join(import.meta.dirname, '../../../..');
const sources = globSync(['apps/*/src/**/*.ts', 'libs/service/src/**/*.ts'], { cwd: ROOT })
  .filter((path) => !path.endsWith('.spec.ts') && !path.includes('/openapi/'))
  .map((path) => readFileSync(join(ROOT, path), 'utf8'))
  .join('\n');

// That no other code is raised, the compiler sees to.
it.each(Object.keys(PROBLEMS))('%s is raised somewhere', (code) => {
  expect(sources).toMatch(new RegExp(`'${code}'|\\b${code}:`));
});

it.each(Object.entries(PROBLEMS))(
  '%s has a status that is an error, a meaning and a remedy',
  (_code, { status, title, remedy }) => {
    expect(status).toBeGreaterThanOrEqual(400);
    expect(title).not.toBe('');
    expect(remedy).toMatch(/\.$/);
  },
);

it('a problem of which nothing more is known tells what to do about it', () => {
  expect(problemBody('idempotency_key_missing', {}, {})).toMatchObject({
    detail: PROBLEMS.idempotency_key_missing.remedy,
  });
  expect(problemBody('invalid_header', { detail: 'Prefer is wrong.' }, {})).toMatchObject({
    detail: 'Prefer is wrong.',
  });
});
