import { afterEach, expect, it, vi } from 'vitest';
import { StatementClock } from './statement-clock.js';

afterEach(() => vi.restoreAllMocks());

it('charges each pipelined statement with its own time, and reads the clock once for each that waits behind another', () => {
  const now = vi.spyOn(performance, 'now');
  const at = (ms: number) => now.mockReturnValue(ms);
  const clock = new StatementClock();
  at(1_000);
  clock.sent();
  clock.sent();
  clock.sent();
  at(1_200);
  expect(clock.answered()).toBe(200);
  at(1_205);
  expect(clock.answered()).toBe(5);
  at(1_215);
  expect(clock.answered()).toBe(10);
  expect(now).toHaveBeenCalledTimes(4);
  at(5_000);
  clock.sent();
  at(5_001);
  expect(clock.answered()).toBe(1);
});
