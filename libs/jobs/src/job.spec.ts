import { describe, expect, it } from 'vitest';
import { retryJitter_ms } from './back-off.js';
import { defineJob } from './job.js';

const facts = {
  name: 'spec.work',
  schema: { type: 'object', required: ['n'], properties: { n: { type: 'integer' } } },
  priority: 0,
  attempts_max: 3,
  timeLimit_ms: 1_000,
};

describe('a job', () => {
  it.each([
    { name: 'work' },
    { name: 'Spec.Work' },
    { name: `spec.${'x'.repeat(64)}` },
    { priority: 32_768 },
    { priority: 0.5 },
    { attempts_max: 0 },
    { timeLimit_ms: 0 },
    { concurrency: 0 },
  ])('cannot be stated with %o', (wrong) => {
    expect(() => defineJob({ ...facts, ...wrong })).toThrow();
  });

  it('names the place of what is wrong with its data, and never the value', () => {
    const job = defineJob(facts);
    expect(job.problemOf({ n: 1 })).toBeUndefined();
    expect(job.problemOf({ n: 'secret' })).toBe('/n must be integer');
    expect(job.problemOf({})).toBe("/ must have required property 'n'");
  });

  it('comes back later by nothing to as much again as the library waits', () => {
    expect(retryJitter_ms(1, 0)).toBe(0);
    expect(retryJitter_ms(1, 0.999)).toBeLessThan(Math.exp(1) * 1_000);
    expect(retryJitter_ms(40, 1)).toBe(Math.floor(Math.exp(10) * 1_000));
  });
});
