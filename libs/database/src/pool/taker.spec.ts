import { expect, it } from 'vitest';
import { keepEveryStack, transactionTaker } from './taker.js';

it('keeps the stack of one transaction in sixteen, and of each once something leaks', () => {
  const stacks = (): number =>
    Array.from({ length: 160 }, () => transactionTaker()).filter((by) => by instanceof Error).length;
  expect(stacks()).toBe(10);
  keepEveryStack();
  expect(stacks()).toBe(160);
  expect((transactionTaker() as Error).stack).toContain('taker.spec.ts');
});
