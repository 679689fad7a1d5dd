import { expect, it } from 'vitest';
import { currentDeadline, deadlineHeader, deadlineOf, timeLeft_ms, withDeadline } from './deadline.js';

const here = { epoch_ms: 1_700_000_000_000, process_ms: 5_000 };
const there = { epoch_ms: 1_700_000_000_400, process_ms: 90_000 };

it('is the same moment in the next process', () => {
  const deadline = deadlineOf(deadlineHeader(8_000, here), there);
  expect(timeLeft_ms(deadline ?? 0, there.process_ms)).toBe(2_600);
});

it('has passed for a process that reads the request too late', () => {
  const late = { epoch_ms: here.epoch_ms + 4_000, process_ms: 1 };
  expect(timeLeft_ms(deadlineOf(deadlineHeader(8_000, here), late) ?? Infinity, late.process_ms)).toBe(0);
});

it('is at most half a minute ahead, whatever the other clock says', () => {
  expect(deadlineOf('999999999999999', here)).toBe(here.process_ms + 30_000);
});

it.each([undefined, '', 'soon', '-1', '1e9', ['1', '2'], '1'.repeat(16)])('%j is none', (header) => {
  expect(deadlineOf(header, here)).toBeUndefined();
});

it('goes with the work, through what it awaits, and only comes closer', async () => {
  const seen = await withDeadline(2_000, async () => {
    await Promise.resolve();
    return [currentDeadline(), withDeadline(3_000, currentDeadline), withDeadline(1_000, currentDeadline)];
  });
  expect(seen).toEqual([2_000, 2_000, 1_000]);
  expect(currentDeadline()).toBeUndefined();
});
