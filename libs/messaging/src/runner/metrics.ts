import { METRICS } from '@payflow/contracts';
import { counter, gauge, histogram } from '@payflow/telemetry';

/**
 * What became of messages: `applied`, `skipped`, `parked`, `dead_lettered`, `deferred`, `id_reused`. `number_taken`: refused,
 * because another command of the subject has its number. Of dead-lettered commands also whether their sender was told: `refused`, `untold`.
 */
export const messagesTotal = counter(METRICS.consumerMessages, 'Messages by what became of them.', [
  'group',
  'outcome',
]);

export const batchSeconds = histogram(
  METRICS.consumerBatchDuration,
  'Time of one batch transaction.',
  ['group'],
  [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5],
);

export const pausedPartitions = gauge(
  METRICS.consumerPaused,
  'Partitions that stand still: backing off, without a leader, or waiting for an operator.',
  ['group', 'reason'],
);

export const parkedMessages = gauge(METRICS.consumerParked, 'Messages that wait behind a parked subject.', ['group']);
export const deadLetters = gauge(METRICS.consumerDeadLetters, 'Records set aside that nobody has replayed.', ['group']);
export const overdueCommands = gauge(
  METRICS.consumerOverdue,
  'Commands that have waited for their predecessor for more than 30 s.',
  ['group'],
);

/** They cannot be counted: no figure is told, where an old one would seem to be of now. */
export function untellSetAside(group: string): void {
  for (const figure of [parkedMessages, deadLetters, overdueCommands]) figure.remove({ group });
}
