import { expect, it } from 'vitest';
import { breakerStates, registerBreaker } from './breaker-states.js';
import { Breaker } from './breaker.js';

it('tells of every breaker as it is now, and of the younger of two of one name', async () => {
  const breaker = new Breaker('spec.one', { failures_max: 1, open_ms: 1_000 });
  let state: 'closed' | 'open' = 'open';
  registerBreaker('spec.other', () => 'closed');
  registerBreaker('spec.other', () => state);
  expect(breakerStates()).toMatchObject({ 'spec.one': 'closed', 'spec.other': 'open' });
  await breaker.run(() => Promise.reject(new Error('away'))).catch(() => undefined);
  state = 'closed';
  expect(breakerStates()).toMatchObject({ 'spec.one': 'open', 'spec.other': 'closed' });
});
