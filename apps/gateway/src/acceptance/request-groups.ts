import { GroupCommit, type GroupCommitOptions } from '@payflow/messaging';
import { gauge, histogram } from '@payflow/telemetry';

/** A group is one transaction and one set of statements; beyond so many rows they grow and the fsync is shared enough. */
export const GROUP_WEIGHT_MAX = 256;
/** At 500/s a group gathers for 8 ms, at 1,100/s and more for 20: less than what it saves the requests in waiting for each other. */
const PACE = { quiet_per_s: 100, gather_ms_per_rate: 0.02, gather_ms_max: 20 };
const PATIENCE = {
  /** At 256 a group this is 16 groups: what the database clears in a fraction of a second, or does not. */
  members_max: 4_096,
  /** A member of a thousand rows takes a megabyte of memory. */
  weight_max: 65_536,
  /** The client hears 503 within a second, and nothing was written. */
  wait_max_ms: 800,
  /** The clients hear 503 and may ask again with their keys; what became of it is told by those. */
  commit_max_ms: 3_000,
};

const groupSize = histogram(
  'payflow_acceptance_group_members',
  'Requests that shared one transaction.',
  [],
  [1, 2, 4, 8, 16, 32, 64, 128, 256],
);

/** Lets requests of the same moment share a transaction, and refuses those that would wait too long for one. */
export function requestGroups<M, R>(
  options: Pick<GroupCommitOptions<M, R>, 'commit' | 'identities' | 'weight'>,
): GroupCommit<M, R> {
  const groups = new GroupCommit<M, R>({
    ...options,
    ...{ weight_max: GROUP_WEIGHT_MAX, pace: PACE, patience: PATIENCE },
    onGroup: (members) => groupSize.observe(members),
  });
  gauge('payflow_acceptance_queue_members', 'Requests that wait for their transaction.', [], (metric) =>
    metric.set(groups.waiting),
  );
  return groups;
}
