/**
 * Times the statements of one connection. They are sent without waiting for each other, and the server carries them out in
 * order: each one's time begins where the one before it was answered, so that a slow statement is not charged to those that
 * wait behind it. That is also why the clock is read once per statement, and once more only where the connection was idle.
 */
export class StatementClock {
  private outstanding = 0;
  private since_ms = 0;

  sent(): void {
    if (this.outstanding++ === 0) this.since_ms = performance.now();
  }

  /** How long the server took for the oldest statement that was not answered yet, ms. */
  answered(): number {
    const now_ms = performance.now();
    const duration_ms = now_ms - this.since_ms;
    this.outstanding--;
    this.since_ms = now_ms;
    return duration_ms;
  }
}
