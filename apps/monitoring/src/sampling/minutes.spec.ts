import { expect, it } from 'vitest';
import { Minutes } from './minutes.js';
import { Picture } from './picture.js';

const START = 1_000_020_000;

it('keeps the worst figure of a minute, and none that was told long before it', () => {
  const picture = new Picture();
  const minutes = new Minutes();
  const [told, silent] = [picture.service('gateway'), picture.service('payments')];
  told.readiness = silent.readiness = { value: { status: 'degraded', reasons: [] }, at_ms: START };
  told.outboxAge_s = { value: 3, at_ms: START };
  silent.outboxAge_s = { value: 9, at_ms: START - 61_000 };
  silent.invariants = { value: [], at_ms: START - 61_000 };
  minutes.add(picture, [], START);
  told.outboxAge_s = { value: 1, at_ms: START + 10_000 };
  minutes.add(picture, [], START + 10_000);
  expect(minutes.take()?.services).toEqual([
    { service: 'gateway', samples: 2, readySamples: 2, outboxAge_s: 3, violations: null },
    { service: 'payments', samples: 2, readySamples: 2, outboxAge_s: null, violations: null },
  ]);
});
