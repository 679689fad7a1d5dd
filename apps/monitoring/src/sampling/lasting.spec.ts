import { expect, it } from 'vitest';
import { Lasting } from './lasting.js';

const mismatch = (missing_messages: number) => ({
  group: 'ledger.commands' as const,
  topic: 'ledger.commands.v1',
  day: '2026-11-21',
  missing_messages,
  missing_id_sum: 7 * missing_messages,
});

it('counts a difference only when it stays the same for 30 s', () => {
  const lasting = new Lasting();
  expect(lasting.look([mismatch(3)], 0)).toEqual([]);
  expect(lasting.look([mismatch(2)], 15_000)).toEqual([]);
  expect(lasting.look([mismatch(2)], 30_000)).toEqual([]);
  expect(lasting.look([mismatch(2)], 45_000)).toEqual([mismatch(2)]);
  expect(lasting.look([], 60_000)).toEqual([]);
  expect(lasting.look([mismatch(2)], 75_000)).toEqual([]);
});
