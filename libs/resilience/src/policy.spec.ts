import { AsyncLocalStorage } from 'node:async_hooks';
import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import { currentDeadline, deadlineIn, withDeadline } from './deadline.js';
import { Policy } from './policy.js';
import { TimedOut } from './refused.js';

configureLogging({ level: 'silent' });

const away = () => Promise.reject(new Error('away'));
const refusal = (reason: string): Error => expect.objectContaining({ reason }) as Error;
const retry = {
  retries_max: 1,
  pause_ms: 1,
  pause_max_ms: 1,
  isTransient: (error: unknown) => (error as Error).message === 'away',
  budget: { share: 0.1, saved_max: 10 },
};

/** Work that ends when it is told to. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open: () => open() };
}

it('gives up work that does not end, and tells it so', async () => {
  const policy = new Policy('spec.slow', { limit_ms: 20 });
  let told: AbortSignal | undefined;
  const run = policy.run(({ signal }) => {
    told = signal;
    return new Promise(() => undefined);
  });
  await expect(run).rejects.toThrow(TimedOut);
  expect(told?.aborted).toBe(true);
  expect((await renderMetrics()).body).toContain('payflow_policy_timeouts_total{policy="spec.slow"} 1');
});

it('begins nothing that nobody waits for, and hands its deadline on', async () => {
  const policy = new Policy('spec', { limit_ms: 1_000 });
  let begun = 0;
  const work = async () => {
    begun++;
    return currentDeadline();
  };
  await expect(withDeadline(deadlineIn(0), () => policy.run(work))).rejects.toThrow(refusal('deadline_passed'));
  expect(begun).toBe(0);
  const soon = deadlineIn(500);
  expect(await withDeadline(soon, () => policy.run(work))).toBe(soon);
});

it('refuses what finds no place, and begins those who wait as themselves', async () => {
  const policy = new Policy('spec', { limit_ms: 1_000, bulkhead: { running_max: 1, waiting_max: 1 } });
  const who = new AsyncLocalStorage<string>();
  const { opened, open } = gate();
  const first = who.run('first', () => policy.run(async () => opened));
  const second = who.run('second', () => policy.run(async () => who.getStore()));
  await expect(policy.run(async () => 'third')).rejects.toThrow(refusal('bulkhead_full'));
  open();
  await first;
  expect(await second).toBe('second');
});

it('counts each try for the breaker, and tries nothing again once it is open', async () => {
  const policy = new Policy('spec', { limit_ms: 1_000, retry, breaker: { failures_max: 2, open_ms: 60_000 } });
  await expect(policy.run(away)).rejects.toThrow('away');
  let begun = 0;
  await expect(policy.run(async () => begun++)).rejects.toThrow(refusal('breaker_open'));
  expect(begun).toBe(0);
});

it('does not do twice what may be done once only', async () => {
  const policy = new Policy('spec', { limit_ms: 1_000, retry });
  let tries = 0;
  const work = () => {
    tries++;
    return away();
  };
  await expect(policy.run(work, { once: true })).rejects.toThrow('away');
  expect(tries).toBe(1);
  await expect(policy.run(work)).rejects.toThrow('away');
  expect(tries).toBe(3);
});
