import { METRICS } from '@payflow/contracts';
import { counter, gauge } from '@payflow/telemetry';
import type { Attempt } from './attempt.js';
import type { Word } from './word.js';

const words = counter(METRICS.providerWords, 'What providers said of attempts, by how it was heard.', [
  'connector',
  'action',
  'source',
  'outcome',
]);
const attention = gauge(METRICS.attemptsAttention, 'Attempts whose end only a human can find out.');
const lost = counter(
  METRICS.attemptsLost,
  'Attempts that nothing in the queue was about, and that were put there again.',
);

export function countWord({ connector, action }: Attempt, { source, outcome }: Word): void {
  words.inc({ connector: connector ?? 'none', action, source, outcome });
}

export function showAttention(attempts: number): void {
  attention.set(attempts);
}

export function countLost(attempts: number): void {
  lost.inc(attempts);
}
