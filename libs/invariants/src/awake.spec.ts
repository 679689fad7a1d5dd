import { expect, it } from 'vitest';
import { Awake } from './awake.js';

/** Looks every half minute from the one time to the other, in seconds, and tells how long it has been awake by then. */
function lookingUntil(awake: Awake, from_s: number, to_s: number): number {
  for (let at_s = from_s; at_s <= to_s; at_s += 30) awake.look(at_s * 1_000);
  return awake.seconds(to_s * 1_000);
}

it('counts from the first look on', () => {
  const awake = new Awake();
  expect(awake.seconds(1_000_000)).toBe(0);
  expect(lookingUntil(awake, 1_000, 1_000)).toBe(0);
  expect(lookingUntil(awake, 1_030, 1_300)).toBe(300);
});

it.each([
  ['a pause', 5_000],
  ['a clock that is set back', 200],
])('begins anew after %s', (_, again_s) => {
  const awake = new Awake();
  lookingUntil(awake, 1_000, 1_300);
  expect(awake.seconds(again_s * 1_000)).toBe(0);
  expect(lookingUntil(awake, again_s, again_s + 60)).toBe(60);
});

it('is not ended by a look that comes a little late', () => {
  const awake = new Awake();
  lookingUntil(awake, 1_000, 1_300);
  expect(lookingUntil(awake, 1_410, 1_410)).toBe(410);
});
