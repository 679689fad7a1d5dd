/** Runs `work` again and again, `interval_ms` after it last ended: never two at a time, and no failure ends it. */
export class Repeat {
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly interval_ms: number,
    private readonly work: () => Promise<void> | void,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** `first_ms`: until the first round, where that should come earlier or later than the others do. */
  start(first_ms = this.interval_ms): this {
    this.schedule(first_ms);
    return this;
  }

  /** No new round begins; resolves when the one at work has ended. */
  stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    return this.running;
  }

  private schedule(delay_ms: number): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.running = this.round();
    }, delay_ms);
  }

  private async round(): Promise<void> {
    try {
      await this.work();
    } catch (error) {
      this.onError(error);
    }
    this.schedule(this.interval_ms);
  }
}
