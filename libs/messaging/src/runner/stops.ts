/** Another process owns the partition by now: whatever was done here is rolled back. */
export class FenceLost extends Error {
  constructor() {
    super('the partition was claimed by another process');
  }
}

/** The broker tells nothing of the partition until it has a leader again. */
export class NoLeader extends Error {
  constructor(partition: number) {
    super(`partition ${partition} has no leader`);
  }
}

/** Consumer, claim and row do not agree on where the reader stands: it is claimed, and the log looked at, anew. */
export class ClaimStale extends Error {
  constructor(what: 'consumer' | 'database') {
    super(`the ${what} was sent back`);
  }
}

/** Reasons for which the runner stands still rather than guess; an operator decides. */
export type StopReason =
  | 'gap_in_log'
  | 'log_shorter_than_position'
  | 'wrong_record_at_position'
  | 'newer_message'
  | 'unknown_command'
  | 'parked_overflow';

/** The partition stands still and alarms; never a silent reset. */
export class PartitionStopped extends Error {
  constructor(
    readonly reason: StopReason,
    detail: string,
  ) {
    super(`${reason}: ${detail}`);
  }
}
