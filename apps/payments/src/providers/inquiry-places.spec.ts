import { newId } from '@payflow/contracts';
import { expect, it } from 'vitest';
import type { Attempt } from './attempt.js';
import { InquiryPlaces, putOff } from './inquiry-places.js';
import { INQUIRIES_MAX } from './provider-jobs.js';

const NOW = new Date('2026-01-02T03:04:05.000Z');

function attempt(status: Attempt['status'], unknown_ms: number | null): Attempt {
  const unknownAt = unknown_ms === null ? null : new Date(NOW.getTime() - unknown_ms);
  return { tenant: newId('tenant'), livemode: false, id: newId('attempt'), status, unknownAt, now: NOW } as Attempt;
}

it.each<[string, Attempt['status'], number | null, number]>([
  ['became unknown just now', 'unknown', 0, 250],
  ['has been unknown for ten seconds', 'unknown', 10_000, 1_250],
  ['has been unknown for days', 'unknown', 400_000_000, 10_000],
  ['waits for its customer', 'requires_action', null, 250],
  ['was unknown before its customer had to act', 'requires_action', 400_000_000, 250],
  ['is being sent', 'sending', null, 250],
])('what %s is put off by so much, or up to twice that', (_what, status, unknown_ms, least_ms) => {
  const { jobs = [], move, evidence } = putOff(attempt(status, unknown_ms));
  expect([jobs.length, move, evidence]).toEqual([1, undefined, undefined]);
  expect(jobs[0]?.delay_ms).toBeGreaterThanOrEqual(least_ms);
  expect(jobs[0]?.delay_ms).toBeLessThan(2 * least_ms);
});

it.each(['created', 'approved', 'declined', 'not_sent'] as const)('what is %s is asked about no more', (status) => {
  expect(putOff(attempt(status, null))).toEqual({ result: undefined });
});

it('of one connector’s no more are held than it may have, and another has its own', async () => {
  const [one, two] = [{ name: 'one' }, { name: 'two' }] as const;
  const places = new InquiryPlaces([one, two]);
  let go = (): void => undefined;
  const standstill = new Promise<void>((resolve) => (go = resolve));
  const held = Array.from({ length: INQUIRIES_MAX }, () => places.in(one, () => standstill.then(() => 'answered')));
  expect(await places.in(one, async () => 'answered')).toBeUndefined();
  expect(await places.in(two, async () => 'answered')).toBe('answered');
  go();
  expect(new Set(await Promise.all(held))).toEqual(new Set(['answered']));
  expect(await places.in(one, async () => 'answered')).toBe('answered');
});
