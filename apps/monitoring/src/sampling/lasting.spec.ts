import { expect, it } from 'vitest';
import type { HeldUp } from './held-up.js';
import { Lasting } from './lasting.js';

const FREE: HeldUp = () => undefined;

const mismatch = (missing_messages: number) => ({
  group: 'ledger.commands' as const,
  topic: 'ledger.commands.v1',
  day: '2026-11-21',
  missing_messages,
  missing_id_sum: 7 * missing_messages,
});

it('counts a difference only when it stays the same for 30 s', () => {
  const lasting = new Lasting();
  expect(lasting.look([mismatch(3)], FREE, 0)).toEqual({ mismatches: [], not_comparable: [] });
  expect(lasting.look([mismatch(2)], FREE, 15_000)).toEqual({ mismatches: [], not_comparable: [] });
  expect(lasting.look([mismatch(2)], FREE, 30_000)).toEqual({ mismatches: [], not_comparable: [] });
  expect(lasting.look([mismatch(2)], FREE, 45_000)).toEqual({ mismatches: [mismatch(2)], not_comparable: [] });
  expect(lasting.look([], FREE, 60_000)).toEqual({ mismatches: [], not_comparable: [] });
  expect(lasting.look([mismatch(2)], FREE, 75_000)).toEqual({ mismatches: [], not_comparable: [] });
});

it('counts nothing that is held up, says why once it has lasted, and counts what lasts for as long without', () => {
  const lasting = new Lasting();
  let reason: string | undefined = 'gateway has messages that are not published';
  const heldUp: HeldUp = (group) => (group === 'ledger.commands' ? reason : undefined);
  const look = (now_ms: number) => lasting.look([mismatch(2)], heldUp, now_ms);
  expect(look(0)).toEqual({ mismatches: [], not_comparable: [] });
  expect(look(30_000)).toEqual({ mismatches: [], not_comparable: [reason] });
  expect(look(600_000)).toEqual({ mismatches: [], not_comparable: [reason] });
  reason = undefined;
  expect(look(616_000)).toEqual({ mismatches: [], not_comparable: [] });
  expect(look(632_000)).toEqual({ mismatches: [], not_comparable: [] });
  expect(look(648_000)).toEqual({ mismatches: [mismatch(2)], not_comparable: [] });
});

it('counts nothing that is held against an archive which is behind', () => {
  const lasting = new Lasting();
  const missing = { ...mismatch(2), group: 'monitoring.payments' as const, topic: 'payments.events.v1' };
  const heldUp: HeldUp = (group) => (group === 'archiver.payments' ? 'archiver.payments/1 stands still' : undefined);
  lasting.look([missing], heldUp, 0);
  expect(lasting.look([missing], heldUp, 40_000)).toEqual({
    mismatches: [],
    not_comparable: ['archiver.payments/1 stands still'],
  });
});
