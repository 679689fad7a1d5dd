import { expect, it } from 'vitest';
import { Troubles } from './troubles.js';

it('leaves a partition alone for as long as a claim, then for longer each time in a row, and not once it takes records again', () => {
  const troubles = new Troubles();
  const restsAt = (now_ms: number) => troubles.resting(now_ms);
  troubles.failed('t/0', 0);
  troubles.failed('t/1', 1_000);
  expect([restsAt(2_999), restsAt(3_000), restsAt(4_000)]).toEqual([['t/0', 't/1'], ['t/1'], []]);
  troubles.failed('t/0', 4_000);
  expect([restsAt(9_999), restsAt(10_000)]).toEqual([['t/0'], []]);
  for (let at = 0; at < 10; at++) troubles.failed('t/0', 10_000);
  expect([restsAt(39_999), restsAt(40_000)]).toEqual([['t/0'], []]);
  expect(troubles.isHopeless('t/0', 39_999)).toBe(true);
  troubles.ended('t/0');
  expect(restsAt(10_001)).toEqual([]);
  troubles.failed('t/0', 50_000);
  expect([restsAt(52_999), restsAt(53_000)]).toEqual([['t/0'], []]);
  expect(troubles.isHopeless('t/0', 50_001)).toBe(false);
});
