const MS_PER_S = 1_000;
/** Cheap checks come every half minute: longer between two that were carried out, the process slept, or its database was away. */
const BREAK_MS = 120_000;

/**
 * For how long a process has been looking without a break. After one, what should have been done meanwhile is only about to be
 * done: it is not wrong yet. By the clock that goes on while a machine sleeps; one that was set is a break as well.
 */
export class Awake {
  private since_ms: number | undefined;
  private looked_ms = 0;

  /** A check was carried out. */
  look(now_ms: number): void {
    if (this.isBroken(now_ms)) this.since_ms = now_ms;
    this.looked_ms = now_ms;
  }

  seconds(now_ms: number): number {
    return this.since_ms === undefined || this.isBroken(now_ms) ? 0 : (now_ms - this.since_ms) / MS_PER_S;
  }

  private isBroken(now_ms: number): boolean {
    return this.since_ms === undefined || now_ms < this.looked_ms || now_ms - this.looked_ms > BREAK_MS;
  }
}

/** SQL in the running form of a check: the seconds for which the process that checks has been {@link Awake}. */
export const AWAKE_S = `coalesce(nullif(current_setting('payflow.awake_s', true), ''), '0')::float8`;
