import { expect, it } from 'vitest';
import { Problem } from './problem.js';
import { translate } from './translate.js';

const withCode = (code: string) => Object.assign(new Error('spec'), { code });

it.each([
  ['a server that is gone', withCode('ECONNREFUSED')],
  ['a statement whose time was over', withCode('57014')],
])('%s is not the client’s fault: 503, and when to come back', (_, error) => {
  const problem = translate(error);
  expect(problem.code).toBe('unavailable');
  expect(problem.options.headers).toEqual({ 'retry-after': '1' });
});

it('keeps what nobody foresaw for the log and says nothing of it', () => {
  const bug = new TypeError('a secret');
  const problem = translate(bug);
  expect(problem.code).toBe('internal');
  expect(problem.cause).toBe(bug);
  expect(problem.options.detail ?? '').not.toContain('secret');
});

it('leaves a problem as it is', () => {
  const problem = new Problem('not_found');
  expect(translate(problem)).toBe(problem);
});
