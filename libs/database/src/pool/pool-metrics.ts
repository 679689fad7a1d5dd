import { METRICS } from '@payflow/contracts';
import { counter, histogram } from '@payflow/telemetry';

/** From a free connection (some microseconds) to the longest wait that is allowed, seconds. */
const WAIT_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];

export const acquireSeconds = histogram(
  METRICS.databaseAcquireDuration,
  'How long it took to get a connection of the pool; the latest 512 of each second.',
  ['pool'] as const,
  WAIT_BUCKETS,
);

export const acquireErrors = counter(
  METRICS.databaseAcquireErrors,
  'Connections that were asked for in vain: `exhausted`, none became free in time; `no_connection`, the server gave none.',
  ['pool', 'reason'] as const,
);

export const leakedLeases = counter(
  METRICS.databaseLeaks,
  'Connections held for longer than any work of ours should; the log names who asked for each.',
  ['pool'] as const,
);

export const conflicts = counter(
  METRICS.databaseConflicts,
  'Transactions that ran again: 40001, 40P01, or a race that the work itself saw.',
  ['reason'] as const,
);
