import { configureLogging, renderMetrics } from '@payflow/telemetry';
import { expect, it } from 'vitest';
import { Breaker } from './breaker.js';
import { Refused } from './refused.js';

configureLogging({ level: 'silent' });

const fails = () => Promise.reject(new Error('away'));
const works = () => Promise.resolve('well');
const refused = expect.objectContaining({ reason: 'breaker_open' }) as Error;

function breakerAt(time: { now: number }, name = 'spec'): Breaker {
  return new Breaker(name, { failures_max: 5, open_ms: 1_000, clock: () => time.now });
}

async function broken(time: { now: number }, name?: string): Promise<Breaker> {
  const breaker = breakerAt(time, name);
  for (let i = 0; i < 5; i++) await expect(breaker.run(fails)).rejects.toThrow('away');
  return breaker;
}

it('stays closed through failures that are not in a row', async () => {
  const breaker = breakerAt({ now: 0 });
  for (let i = 0; i < 20; i++) await breaker.run(i % 5 === 4 ? works : fails).catch(() => undefined);
  expect(breaker.state).toBe('closed');
});

it('opens after five failures in a row and refuses, with the time until one may try', async () => {
  const time = { now: 0 };
  const breaker = await broken(time);
  time.now = 400;
  const error = await breaker.run(works).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Refused);
  expect(error).toMatchObject({ policy: 'spec', reason: 'breaker_open', retryAfter_ms: 600 });
});

it('lets one call try when its time is over, and refuses the others meanwhile', async () => {
  const time = { now: 0 };
  const breaker = await broken(time);
  time.now = 1_000;
  let end = (_result: string): void => undefined;
  const trial = breaker.run(() => new Promise<string>((resolve) => (end = resolve)));
  await expect(breaker.run(works)).rejects.toThrow(refused);
  end('well');
  expect(await trial).toBe('well');
  expect(await breaker.run(works)).toBe('well');
});

it('opens again when the trial fails', async () => {
  const time = { now: 0 };
  const breaker = await broken(time);
  time.now = 1_000;
  await expect(breaker.run(fails)).rejects.toThrow('away');
  time.now = 1_999;
  await expect(breaker.run(works)).rejects.toThrow(refused);
  time.now = 2_000;
  expect(await breaker.run(works)).toBe('well');
});

it('counts only what is the other side’s fault', async () => {
  const breaker = new Breaker('spec', { failures_max: 1, open_ms: 1_000, isFailure: () => false });
  await expect(breaker.run(fails)).rejects.toThrow('away');
  expect(breaker.state).toBe('closed');
});

it('tells its state and its refusals, and logs once that it opened and why', async () => {
  const lines: string[] = [];
  configureLogging({ level: 'warn', stream: { write: (line) => void lines.push(line) } });
  const time = { now: 0 };
  const breaker = await broken(time, 'told');
  time.now = 1_000;
  await expect(breaker.run(fails)).rejects.toThrow('away');
  await expect(breaker.run(works)).rejects.toThrow(refused);
  const { body } = await renderMetrics();
  expect(body).toContain('payflow_breaker_state{policy="told"} 2');
  expect(body).toContain('payflow_policy_rejections_total{policy="told",reason="breaker_open"} 1');
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] as string)).toMatchObject({ policy: 'told', err: { message: 'away' } });
});
