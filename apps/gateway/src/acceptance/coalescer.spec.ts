import { expect, it } from 'vitest';
import { Coalescer } from './coalescer.js';

it('answers the lookups of one turn with one load, and keeps nothing', async () => {
  const loads: string[][] = [];
  const coalescer = new Coalescer<string, string>(
    (key) => key,
    async (keys) => {
      loads.push([...keys]);
      return new Map(keys.filter((key) => key !== 'none').map((key) => [key, key.toUpperCase()]));
    },
  );
  expect(await Promise.all(['a', 'b', 'a', 'none'].map((key) => coalescer.get(key)))).toEqual([
    'A',
    'B',
    'A',
    undefined,
  ]);
  expect(await coalescer.get('a')).toBe('A');
  expect(loads).toEqual([['a', 'b', 'none'], ['a']]);
});

it("passes the load's error to all who asked", async () => {
  const coalescer = new Coalescer<string, string>(
    (key) => key,
    () => Promise.reject(new Error('down')),
  );
  const results = await Promise.allSettled([coalescer.get('a'), coalescer.get('b')]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
});
