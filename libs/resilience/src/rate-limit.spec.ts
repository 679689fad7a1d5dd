import { expect, it } from 'vitest';
import { RateLimit } from './rate-limit.js';

const refused = expect.objectContaining({ reason: 'rate_limited' }) as Error;

function limitAt(time: { now: number }, burst = 2): RateLimit {
  return new RateLimit('spec', { perSecond: 10, burst, clock: () => time.now });
}

it('gives the saved turns at once, then one for each tenth of a second', async () => {
  const time = { now: 0 };
  const limit = limitAt(time);
  await limit.take(1);
  await limit.take(1);
  await expect(limit.take(100)).rejects.toThrow(refused);
  time.now = 100;
  await limit.take(101);
  await expect(limit.take(200)).rejects.toThrow(refused);
});

it('saves up no more than its burst', async () => {
  const time = { now: 0 };
  const limit = limitAt(time);
  time.now = 60_000;
  await limit.take(60_001);
  await limit.take(60_001);
  await expect(limit.take(60_001)).rejects.toThrow(refused);
});

it('waits for a turn that comes before the deadline, and a turn that was refused is not used up', async () => {
  const time = { now: 0 };
  const limit = limitAt(time, 1);
  await limit.take(1);
  await expect(limit.take(50)).rejects.toThrow(expect.objectContaining({ retryAfter_ms: 100 }) as Error);
  const waiting = limit.take(150);
  await expect(limit.take(199)).rejects.toThrow(expect.objectContaining({ retryAfter_ms: 200 }) as Error);
  await waiting;
});

it('keeps silent for as long as the supplier asks', async () => {
  const time = { now: 0 };
  const limit = limitAt(time);
  limit.pause(5_000);
  await expect(limit.take(4_999)).rejects.toThrow(expect.objectContaining({ retryAfter_ms: 5_000 }) as Error);
  time.now = 5_000;
  await limit.take(5_001);
});
