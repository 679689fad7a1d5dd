import { METRICS } from '@payflow/contracts';
import { counter, gauge, type Gauge } from '@payflow/telemetry';
import type { RefusalReason } from './refused.js';

const rejections = counter(METRICS.policyRejections, 'Calls that a policy did not begin, by reason.', [
  'policy',
  'reason',
] as const);
const retries = counter(METRICS.policyRetries, 'Second tries, and those that the retry budget did not allow.', [
  'policy',
  'outcome',
] as const);
const timeouts = counter(METRICS.policyTimeouts, 'Calls that did not end in their time.', ['policy'] as const);

export const BREAKER_STATES = { closed: 0, half_open: 1, open: 2 } as const;
export type BreakerState = keyof typeof BREAKER_STATES;

export function countRefusal(policy: string, reason: RefusalReason): void {
  rejections.inc({ policy, reason });
}

export function countRetry(policy: string, outcome: 'retried' | 'out_of_budget'): void {
  retries.inc({ policy, outcome });
}

export function countTimeout(policy: string): void {
  timeouts.inc({ policy });
}

/** A gauge that asks each policy at the scrape; of two policies of one name, the younger answers. */
function asked(name: string, help: string): (policy: string, read: () => number) => void {
  const policies = new Map<string, () => number>();
  gauge(name, help, ['policy'] as const, (metric: Gauge<'policy'>) => {
    for (const [policy, read] of policies) metric.set({ policy }, read());
  });
  return (policy, read) => policies.set(policy, read);
}

export const showBreaker = asked(METRICS.breakerState, '0 closed, 1 half-open, 2 open.');
export const showBudget = asked(METRICS.retryBudgetLeft, 'Second tries that the budget allows now.');
export const showRunning = asked(METRICS.policyRunning, 'Calls that are at work in a bulkhead or a queue.');
export const showWaiting = asked(METRICS.policyWaiting, 'Calls that wait for a place in a bulkhead or a queue.');
export const showOldest = asked(METRICS.queueOldestSeconds, 'How long the oldest call of a queue has waited.');
