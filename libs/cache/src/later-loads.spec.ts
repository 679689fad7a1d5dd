import { expect, it } from 'vitest';
import { LaterLoads } from './later-loads.js';

it('gives nobody a load that began before it was asked for, and makes one of all that ask meanwhile', async () => {
  const loads = new LaterLoads<number>();
  const ends: ((value: number) => void)[] = [];
  const load = () => new Promise<number>((resolve) => ends.push(resolve));
  const first = loads.run('a', load);
  const [second, third] = [loads.run('a', load), loads.run('a', load)];
  expect(ends).toHaveLength(1);
  ends[0]?.(1);
  expect(await first).toBe(1);
  await Promise.resolve();
  const fourth = loads.run('a', load);
  expect(ends).toHaveLength(2);
  ends[1]?.(2);
  expect(await Promise.all([second, third])).toEqual([2, 2]);
  await Promise.resolve();
  ends[2]?.(3);
  expect(await fourth).toBe(3);
});

it('says who is given another’s load, and not who makes one', async () => {
  const loads = new LaterLoads<string>();
  const joined: string[] = [];
  const ask = (who: string) =>
    loads.run(
      'a',
      async () => who,
      () => joined.push(who),
    );
  expect(await Promise.all(['first', 'next', 'third', 'fourth'].map(ask))).toEqual(['first', 'next', 'next', 'next']);
  expect(joined).toEqual(['third', 'fourth']);
});

it('goes on after a load that failed, and keeps nothing of keys that nobody asks for', async () => {
  const loads = new LaterLoads<number>();
  await expect(loads.run('a', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await loads.run('a', async () => 5)).toBe(5);
});
