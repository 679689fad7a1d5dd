/** Work that is done again and again, never twice at once. */
export class Rounds {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private isStopping = false;

  constructor(
    private readonly interval_ms: number,
    private readonly work: () => Promise<void>,
    private readonly onFailed: (error: unknown) => void,
  ) {}

  /** A round at once, or when the one that is at work has ended; the next when the interval has passed. */
  begin(): void {
    clearTimeout(this.timer);
    if (this.isStopping) return;
    this.working = this.working
      .then(() => this.work())
      .catch((error: unknown) => this.onFailed(error))
      .then(() => {
        clearTimeout(this.timer);
        if (!this.isStopping) this.timer = setTimeout(() => this.begin(), this.interval_ms);
      });
  }

  /** No round begins any more. */
  halt(): void {
    this.isStopping = true;
    clearTimeout(this.timer);
  }

  /** Resolves when no round is at work. */
  ended(): Promise<void> {
    return this.working;
  }
}
