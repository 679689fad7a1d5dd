import { newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import type { Attempt } from './attempt.js';
import { InquiryPlaces, putOff } from './inquiry-places.js';
import { INQUIRIES_MAX } from './provider-jobs.js';

const attempt = (status: Attempt['status']) =>
  ({ tenant: newId('tenant'), livemode: false, id: newId('attempt'), status }) as Attempt;

describe.each(['unknown', 'requires_action', 'sending'] as const)('the question about what is %s', (status) => {
  it.each([
    [0, 250],
    [1, 500],
    [4, 4_000],
    [6, 10_000],
    [5_000, 10_000],
  ])('is put off for the time after %i by %i ms, or up to twice that', (times, least_ms) => {
    const { jobs = [], move, evidence } = putOff(attempt(status), times);
    expect([jobs.length, move, evidence]).toEqual([1, undefined, undefined]);
    expect(jobs[0]?.delay_ms).toBeGreaterThanOrEqual(least_ms);
    expect(jobs[0]?.delay_ms).toBeLessThan(2 * least_ms);
    expect(jobs[0]?.putOff).toBe(times + 1);
  });
});

it.each(['created', 'approved', 'declined', 'not_sent'] as const)('what is %s is asked about no more', (status) => {
  expect(putOff(attempt(status), 0)).toEqual({ result: undefined });
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
