import { expect, it } from 'vitest';
import { CheckResults } from './check-results.js';

it('keeps the last result, and remembers that rows have offended', () => {
  const results = new CheckResults(['I1', 'I2']);
  expect(results.list()).toMatchObject([
    { invariant: 'I1', checked_at: null },
    { invariant: 'I2', checked_at: null },
  ]);
  results.checked('I1', { violations: 3, sample: ['a'], duration_ms: 4 }, new Date(1_000));
  results.checked('I1', { violations: 0, sample: [], duration_ms: 5 }, new Date(2_000));
  results.failed('I1', new RangeError('late'));
  expect(results.list()[0]).toEqual({
    invariant: 'I1',
    violations: 0,
    sample: [],
    checked_at: '1970-01-01T00:00:02.000Z',
    duration_ms: 5,
    violated_at: '1970-01-01T00:00:01.000Z',
    violated_sample: ['a'],
    error: 'RangeError',
  });
});

it('says what cannot be compared for as long as that is so', () => {
  const results = new CheckResults(['I21']);
  const sums = { violations: 0, sample: [], duration_ms: 4 };
  results.checked('I21', { ...sums, not_comparable: ['ledger.commands/0 is behind'] }, new Date(1_000));
  expect(results.list()[0]?.not_comparable).toEqual(['ledger.commands/0 is behind']);
  results.checked('I21', { ...sums, not_comparable: [] }, new Date(2_000));
  expect(results.list()[0]).not.toHaveProperty('not_comparable');
});
