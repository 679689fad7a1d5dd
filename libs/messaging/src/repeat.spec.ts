import { expect, it } from 'vitest';
import { Repeat } from './repeat.js';

it('goes on after failures, never runs two rounds at a time, and has ended when stopped', async () => {
  let rounds = 0;
  let running = 0;
  const errors: unknown[] = [];
  const enough = Promise.withResolvers<void>();
  const repeat = new Repeat(
    1,
    async () => {
      expect(++running).toBe(1);
      rounds++;
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      if (rounds === 5) enough.resolve();
      throw new Error(`round ${rounds}`);
    },
    (error) => errors.push(error),
  ).start();
  await enough.promise;
  await repeat.stop();
  const at = rounds;
  expect(running).toBe(0);
  expect(errors.length).toBe(rounds);
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(rounds).toBe(at);
});
