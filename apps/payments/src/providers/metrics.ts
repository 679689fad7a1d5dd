import { METRICS } from '@payflow/contracts';
import { counter, gauge, histogram } from '@payflow/telemetry';
import type { Attempt } from './attempt.js';
import type { Word } from './word.js';

/** To the longest that a provider is waited for. */
const BUCKETS_S = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

const words = counter(METRICS.providerWords, 'What providers said of attempts, by how it was heard.', [
  'connector',
  'action',
  'source',
  'outcome',
]);
const calls = histogram(
  METRICS.providerCallDuration,
  'How long providers were waited for.',
  ['connector', 'action'],
  BUCKETS_S,
);
const attention = gauge(METRICS.attemptsAttention, 'Attempts whose end only a human can find out.');
const lost = counter(
  METRICS.attemptsLost,
  'Attempts that nothing in the queue was about, and that were put there again.',
);

const MS_PER_S = 1_000;

export function countWord({ connector, action }: Attempt, { source, outcome }: Word): void {
  words.inc({ connector: connector ?? 'none', action, source, outcome });
}

export async function timeCall<T>(connector: string, action: string, call: () => Promise<T>): Promise<T> {
  const startedAt_ms = performance.now();
  try {
    return await call();
  } finally {
    calls.observe({ connector, action }, (performance.now() - startedAt_ms) / MS_PER_S);
  }
}

export function showAttention(attempts: number): void {
  attention.set(attempts);
}

export function countLost(attempts: number): void {
  lost.inc(attempts);
}
