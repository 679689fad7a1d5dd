import { expect, it } from 'vitest';
import { leastLoaded } from './choice.js';

const replica = (name: string, weight = 1, active = 0) => ({ name, weight, active, given: 0 });

it('takes the one that is at the fewest reads', () => {
  expect(leastLoaded([replica('a', 1, 3), replica('b', 1, 1), replica('c', 1, 2)])?.name).toBe('b');
  expect(leastLoaded([])).toBeUndefined();
});

it.each([
  ['one after the other', (of: { given: number }) => of.given++],
  ['all at once', (of: { given: number; active: number }) => (of.given++, of.active++)],
])('gives one of greater weight as many more of reads that come %s', (_, take) => {
  const all = [replica('a', 1), replica('b', 3)];
  for (let read = 0; read < 400; read++) take(leastLoaded(all) as { given: number; active: number });
  expect(all.map(({ given }) => given)).toEqual([100, 300]);
});
