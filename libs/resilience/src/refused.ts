/** Why a call was not begun. */
export type RefusalReason =
  | 'breaker_open'
  | 'bulkhead_full'
  | 'deadline_passed'
  | 'caller_gone'
  | 'queue_full'
  | 'queued_too_long'
  | 'rate_limited';

/** A call that a policy did not begin: nothing has happened, and it may be made again after `retryAfter_ms`. */
export class Refused extends Error {
  constructor(
    readonly policy: string,
    readonly reason: RefusalReason,
    readonly retryAfter_ms: number = 0,
  ) {
    super(`${policy}: ${reason}`);
    this.name = 'Refused';
  }
}

/** A call that was begun and did not end in its time. What it did is not known. */
export class TimedOut extends Error {
  constructor(
    readonly policy: string,
    readonly limit_ms: number,
  ) {
    super(`${policy}: no end after ${Math.round(limit_ms)} ms`);
    this.name = 'TimedOut';
  }
}
