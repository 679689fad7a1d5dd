import { renderMetrics } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import { Retry } from './retry.js';

const options = {
  retries_max: 2,
  pause_ms: 1,
  pause_max_ms: 2,
  isTransient: (error: unknown) => (error as Error).message === 'away',
  budget: { share: 0.1, saved_max: 3 },
};

/** Work that fails so many times before it succeeds. */
function failing(times: number, message = 'away') {
  const work = {
    tries: 0,
    run: () => (work.tries++ < times ? Promise.reject(new Error(message)) : Promise.resolve('well')),
  };
  return work;
}

it('tries again what may be tried again, and no more often than said', async () => {
  const twice = failing(2);
  expect(await new Retry('spec', options).run(twice.run)).toBe('well');
  const always = failing(9);
  await expect(new Retry('spec', options).run(always.run)).rejects.toThrow('away');
  expect(always.tries).toBe(3);
});

it('throws at once what no second try cures, and what nobody waits for', async () => {
  const wrong = failing(9, 'wrong');
  await expect(new Retry('spec', options).run(wrong.run)).rejects.toThrow('wrong');
  const late = failing(9);
  await expect(new Retry('spec', options).run(late.run, () => true)).rejects.toThrow('away');
  expect([wrong.tries, late.tries]).toEqual([1, 1]);
});

it('keeps retries to their share of the calls, however many fail', async () => {
  const retry = new Retry('budgeted', options);
  let tries = 0;
  const work = () => {
    tries++;
    return Promise.reject(new Error('away'));
  };
  for (let call = 0; call < 100; call++) await retry.run(work).catch(() => undefined);
  // 100 first tries; the 3 saved, and one for each ten calls.
  expect(tries).toBeGreaterThan(100);
  expect(tries).toBeLessThanOrEqual(100 + 3 + 10);
  const { body } = await renderMetrics();
  expect(body).toMatch(/payflow_policy_retries_total\{policy="budgeted",outcome="out_of_budget"\} \d\d/);
  expect(body).toContain('payflow_retry_budget_left{policy="budgeted"} 0');
});
