import type { Database } from '@payflow/database';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { ProgressBoard } from './progress.js';

const written: unknown[][] = [];
let hold: Promise<void>;
let release: () => void;
const db = {
  count: async (_statement: unknown, values: unknown[]) => {
    written.push(values);
    await hold;
  },
} as unknown as Database;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  written.length = 0;
  hold = Promise.resolve();
  release = () => undefined;
});
afterEach(() => vi.useRealTimers());

it('writes the latest word of all that run long in one statement', async () => {
  const board = new ProgressBoard(db);
  for (const job of ['1', '2', '3']) board.note(job, 10);
  board.note('2', 250);
  await vi.advanceTimersByTimeAsync(999);
  expect(written).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(written).toEqual([
    [
      ['1', '2', '3'],
      [10, 100, 10],
    ],
  ]);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(written).toHaveLength(1);
});

it('writes nothing of a run that is short, whoever else runs long', async () => {
  const board = new ProgressBoard(db);
  board.note('long', 10);
  await vi.advanceTimersByTimeAsync(600);
  board.note('short', 50);
  await vi.advanceTimersByTimeAsync(600);
  await board.end('short');
  await vi.advanceTimersByTimeAsync(5_000);
  expect(written).toEqual([[['long'], [10]]]);
});

it('writes again what has moved on, and waits for it at the end of the run', async () => {
  const board = new ProgressBoard(db);
  board.note('1', 10);
  await vi.advanceTimersByTimeAsync(1_000);
  hold = new Promise((resolve) => (release = resolve));
  board.note('1', 20);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(written.at(-1)).toEqual([['1'], [20]]);
  let hasEnded = false;
  const end = board.end('1').then(() => (hasEnded = true));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(hasEnded).toBe(false);
  release();
  await end;
});
