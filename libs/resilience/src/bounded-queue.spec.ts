import { renderMetrics } from '@payflow/telemetry';
import { describe, expect, it } from 'vitest';
import { BoundedQueue } from './bounded-queue.js';
import { currentDeadline, deadlineIn } from './deadline.js';

const options = { running_max: 1, waiting_max: 3, age_max_ms: 60_000 };
const refusal = (reason: string): Error => expect.objectContaining({ reason }) as Error;

/** A queue whose only place is taken until `free` is called. */
function taken(name = 'spec', change: Partial<typeof options> = {}) {
  const queue = new BoundedQueue(name, { ...options, ...change });
  let free = (): void => undefined;
  const holder = queue.run(() => new Promise<void>((resolve) => (free = resolve)));
  return { queue, holder, free: () => free() };
}

describe('a bounded queue', () => {
  it('begins the greater priority first, and equals as they came', async () => {
    const { queue, free } = taken();
    const begun: string[] = [];
    const ask = (name: string, priority: number) => queue.run(async () => void begun.push(name), { priority });
    const all = [ask('report', 0), ask('other report', 0), ask('balance', 1)];
    free();
    await Promise.all(all);
    expect(begun).toEqual(['balance', 'report', 'other report']);
  });

  it('refuses one more than may wait, and tells how many do and how long', async () => {
    const { queue, free } = taken('told');
    const waiting = [1, 2, 3].map(() => queue.run(async () => 'done'));
    await expect(queue.run(async () => 'one more')).rejects.toThrow(refusal('queue_full'));
    const { body } = await renderMetrics();
    expect(body).toContain('payflow_policy_running_calls{policy="told"} 1');
    expect(body).toContain('payflow_policy_waiting_calls{policy="told"} 3');
    expect(body).toMatch(/payflow_queue_oldest_seconds\{policy="told"\} \d+\.\d/);
    free();
    expect(await Promise.all(waiting)).toEqual(['done', 'done', 'done']);
  });

  it.each([
    ['has waited too long', { age_max_ms: 5 }, () => ({}), 'queued_too_long'],
    ['has passed its deadline', {}, () => ({ deadline: deadlineIn(5) }), 'deadline_passed'],
    ['is no longer asked for', {}, () => ({ gone: AbortSignal.timeout(5) }), 'caller_gone'],
  ])('never begins what %s', async (_what, change, how, reason) => {
    const { queue, holder, free } = taken('spec', change);
    let begun = false;
    const late = queue.run(async () => void (begun = true), how());
    await expect(late).rejects.toThrow(refusal(reason));
    free();
    await holder;
    expect(await queue.run(async () => 'next')).toBe('next');
    expect(begun).toBe(false);
  });

  it('refuses at the door who has gone or has no time left', async () => {
    const queue = new BoundedQueue('spec', options);
    const work = () => Promise.reject(new Error('begun'));
    await expect(queue.run(work, { gone: AbortSignal.abort() })).rejects.toThrow(refusal('caller_gone'));
    await expect(queue.run(work, { deadline: deadlineIn(0) })).rejects.toThrow(refusal('deadline_passed'));
  });

  it('lets work that has begun keep its place when its caller goes', async () => {
    const { queue, holder, free } = taken();
    const gone = new AbortController();
    const order: string[] = [];
    let end = (): void => undefined;
    let begun = (): void => undefined;
    const hasBegun = new Promise<void>((resolve) => (begun = resolve));
    const first = queue.run(
      async () => {
        begun();
        await new Promise<void>((resolve) => (end = resolve));
        order.push('first has ended', currentDeadline() === 9e15 ? 'under its deadline' : 'under another');
      },
      { gone: gone.signal, deadline: 9e15 },
    );
    free();
    await Promise.all([holder, hasBegun]);
    const second = queue.run(async () => void order.push('second has begun'));
    gone.abort();
    end();
    await Promise.all([first, second]);
    expect(order).toEqual(['first has ended', 'under its deadline', 'second has begun']);
  });
});
