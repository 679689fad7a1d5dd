import { renderMetrics } from '@payflow/telemetry';
import { afterEach, expect, it, vi } from 'vitest';
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

afterEach(() => void vi.restoreAllMocks());

it('pauses at random before each further try, up to twice as long each time and never longer than said', async () => {
  const pauses: number[] = [];
  const setTimer = globalThis.setTimeout;
  vi.spyOn(globalThis, 'setTimeout').mockImplementation(((work: () => void, ms = 0) => {
    pauses.push(ms);
    return setTimer(work, 0);
  }) as never);
  const retry = new Retry('jittered', {
    ...options,
    retries_max: 3,
    pause_ms: 1_000,
    pause_max_ms: 2_500,
    budget: { share: 1, saved_max: 500 },
  });
  for (let run = 0; run < 50; run++) expect(await retry.run(failing(3).run)).toBe('well');
  expect(pauses).toHaveLength(150);
  for (const [place, limit_ms] of [1_000, 2_000, 2_500].entries()) {
    const its = pauses.filter((_ms, at) => at % 3 === place);
    expect(Math.max(...its)).toBeLessThan(limit_ms);
    // Who fails together does not come again together: as many early as late, or nearly.
    expect(its.filter((ms) => ms < limit_ms / 2).length).toBeGreaterThan(5);
    expect(its.filter((ms) => ms >= limit_ms / 2).length).toBeGreaterThan(5);
    expect(new Set(its).size).toBeGreaterThan(25);
  }
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
