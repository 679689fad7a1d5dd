import { describe, expect, it } from 'vitest';
import { StatementSpans, spansBetween } from './statement-spans.js';

const count = (statement: string, calls: number, total_ms: number, rows = calls) => ({
  statement,
  calls,
  rows,
  total_ms,
});

describe('what statements took between two looks', () => {
  it.each([
    ['the difference', [count('a', 10, 100)], [count('a', 15, 160)], [count('a', 5, 60)]],
    ['all of a new one', [], [count('a', 3, 30)], [count('a', 3, 30)]],
    ['nothing of one that was not executed', [count('a', 10, 100)], [count('a', 10, 100)], []],
    ['all since a reset', [count('a', 10, 100)], [count('a', 4, 40)], [count('a', 4, 40)]],
    ['the costliest first', [], [count('a', 1, 1), count('b', 1, 9)], [count('b', 1, 9), count('a', 1, 1)]],
    [
      'texts of one label together',
      [count('a', 1, 1), count('a', 2, 2)],
      [count('a', 4, 4), count('a', 2, 2)],
      [count('a', 3, 3)],
    ],
  ])('%s', (_, before, after, expected) => {
    expect(spansBetween(before, after)).toEqual(expected);
  });

  it('is bounded', () => {
    const many = Array.from({ length: 200 }, (_, at) => count(`statement ${at}`, 1, at));
    const kept = spansBetween([], many);
    expect(kept).toHaveLength(20);
    expect(kept[0]?.statement).toBe('statement 199');
  });

  it('of a service that did not answer is told at the next look', async () => {
    const answers = [[count('a', 1, 1)], undefined, [count('a', 8, 8)]];
    const reader = {
      service: 'ledger' as const,
      statements: async () => answers.shift() ?? Promise.reject(new Error('down')),
    };
    const spans = new StatementSpans();
    expect(await spans.look([reader])).toEqual([]);
    expect(await spans.look([reader])).toEqual([]);
    expect(await spans.look([reader])).toEqual([{ service: 'ledger', ...count('a', 7, 7) }]);
  });
});
