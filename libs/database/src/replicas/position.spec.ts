import { expect, it } from 'vitest';
import { PrimaryPosition } from './position.js';

it('shares an answer among those who ask at once, and never one that was under way before', async () => {
  const answers: ((position: bigint) => void)[] = [];
  const position = new PrimaryPosition(() => new Promise((resolve) => answers.push(resolve)));
  const first = position.now();
  const [second, third] = [position.now(), position.now()];
  expect(answers).toHaveLength(1);
  answers[0]?.(1n);
  expect(await first).toBe(1n);
  await Promise.resolve();
  expect(answers).toHaveLength(2);
  const fourth = position.now();
  answers[1]?.(2n);
  expect(await Promise.all([second, third])).toEqual([2n, 2n]);
  await Promise.resolve();
  expect(answers).toHaveLength(3);
  answers[2]?.(3n);
  expect(await fourth).toBe(3n);
});

it('asks anew after a failure', async () => {
  let asked = 0;
  const position = new PrimaryPosition(async () => {
    if (++asked === 1) throw new Error('spec');
    return 7n;
  });
  const failing = position.now();
  const next = position.now();
  await expect(failing).rejects.toThrow('spec');
  expect(await next).toBe(7n);
});
