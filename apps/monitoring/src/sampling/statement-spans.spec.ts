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

  it.each([
    ['did not answer', undefined],
    ['could not read them', null],
  ])('of a service that %s is told at the next look', async (_, silence) => {
    const answers = [[count('a', 1, 1)], silence, [count('a', 8, 8)]];
    const reader = {
      service: 'ledger' as const,
      statements: async () => {
        const answer = answers.shift();
        if (answer === undefined) throw new Error('down');
        return answer;
      },
    };
    const spans = new StatementSpans();
    expect(await spans.look([reader])).toEqual([]);
    expect(await spans.look([reader])).toEqual([]);
    expect(await spans.look([reader])).toEqual([{ service: 'ledger', ...count('a', 7, 7) }]);
  });
});
