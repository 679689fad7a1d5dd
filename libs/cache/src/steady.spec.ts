import { expect, it } from 'vitest';
import { SteadyClock } from './steady.js';

function clocks() {
  const at = { wall: 1_000_000, running: 50 };
  const pass = (ms: number) => {
    at.wall += ms;
    at.running += ms;
  };
  const clock = new SteadyClock(
    () => at.wall,
    () => at.running,
  );
  return { at, pass, clock };
}

it('goes on where the wall clock is set back, and ahead with it', () => {
  const { at, pass, clock } = clocks();
  expect(clock.now()).toBe(1_000_000);
  at.wall -= 500_000;
  pass(10);
  expect(clock.now()).toBe(1_000_010);
  at.wall += 600_000;
  expect(clock.now()).toBe(1_100_010);
});

it('counts what a machine has slept', () => {
  const { at, clock } = clocks();
  clock.now();
  at.wall += 3_600_000;
  expect(clock.now()).toBe(4_600_000);
});

it('tells others the time on the wall, and takes theirs for no later than now', () => {
  const { at, pass, clock } = clocks();
  const loaded = clock.now();
  at.wall -= 500_000;
  pass(70);
  expect(clock.told(loaded)).toBe(500_000);
  expect(clock.heard(at.wall - 30)).toBe(clock.now() - 30);
  expect(clock.heard(at.wall + 30)).toBe(clock.now());
});
