import { OutcomeUnknown, PoolExhausted } from '@payflow/database';
import { Refused, TimedOut } from '@payflow/resilience';
import { expect, it } from 'vitest';
import { Problem } from './problem.js';
import { translate } from './translate.js';

const withCode = (code: string) => Object.assign(new Error('spec'), { code });

it.each([
  ['a server that is gone', withCode('ECONNREFUSED')],
  ['a statement whose time was over', withCode('57014')],
  ['a partition that nobody has made yet', withCode('23514')],
])('%s is not the client’s fault: 503, and when to come back', (_, error) => {
  const problem = translate(error);
  expect(problem.code).toBe('unavailable');
  expect(problem.options.headers).toEqual({ 'retry-after': '1' });
});

it('tells a database that has too much to do from one that is away', () => {
  const problem = translate(new PoolExhausted('api', 800, 4));
  expect([problem.code, problem.options.headers]).toEqual(['database_busy', { 'retry-after': '1' }]);
});

it('answers a COMMIT that was never answered with 503: the same key settles it', () => {
  expect(translate(new OutcomeUnknown(withCode('57P01'))).code).toBe('unavailable');
});

it('keeps what nobody foresaw for the log and says nothing of it', () => {
  const bug = new TypeError('a secret');
  const problem = translate(bug);
  expect(problem.code).toBe('internal');
  expect(problem.cause).toBe(bug);
  expect(problem.options.detail ?? '').not.toContain('secret');
});

it.each([
  [new Refused('spec', 'breaker_open', 1_200), 'unavailable', { 'retry-after': '2' }],
  [new Refused('spec', 'queue_full'), 'unavailable', { 'retry-after': '1' }],
  [new Refused('spec', 'deadline_passed'), 'gateway_timeout', undefined],
  [new TimedOut('spec', 10), 'gateway_timeout', undefined],
])('%s is %s', (error, code, headers) => {
  const problem = translate(error);
  expect(problem).toMatchObject({ code, cause: error });
  expect(problem.options.headers).toEqual(headers);
});

it('leaves a problem as it is', () => {
  const problem = new Problem('not_found');
  expect(translate(problem)).toBe(problem);
});
