import { expect, it } from 'vitest';
import { againAfterConflicts, pauseAfter } from './conflicts.js';
import { RunAgain } from './errors.js';

const failing = (times: number, error: Error) => {
  let runs = 0;
  return async (): Promise<number> => {
    if (++runs <= times) throw error;
    return runs;
  };
};

it.each([
  ['a lost serialisation', Object.assign(new Error('spec'), { code: '40001' })],
  ['a lost deadlock', Object.assign(new Error('spec'), { code: '40P01' })],
  ['a race that the work saw', new RunAgain('spec')],
])('runs again after %s', async (_, error) => {
  expect(await againAfterConflicts(failing(3, error))).toBe(4);
});

it('gives up on one that keeps losing, and at once on what is no race', async () => {
  await expect(againAfterConflicts(failing(10, new RunAgain('spec')))).rejects.toThrow(RunAgain);
  await expect(againAfterConflicts(failing(1, new Error('spec')))).rejects.toThrow('spec');
});

it('waits for a part, left to chance, of a bound that doubles and has an end', () => {
  expect([1, 2, 3, 6, 7, 10].map((attempt) => pauseAfter(attempt, 1))).toEqual([2, 4, 8, 64, 100, 100]);
  expect(pauseAfter(5, 0.25)).toBe(8);
  expect(pauseAfter(5, 0)).toBe(0);
});
