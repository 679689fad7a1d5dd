const WAIT_MS = 1_000;

/**
 * One attempt at a suspect at a time, of all partitions and groups of a process: of what is at work when the process dies the message
 * that killed it cannot be told, and each of the others would be counted, and quarantined, with it.
 */
export class Suspects {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs when those before it have ended, however they did. Until then `wait` is called again and again: whoever waits in silence is taken for dead. */
  inTurn<T>(attempt: () => Promise<T>, wait: () => Promise<void>): Promise<T> {
    const waiting = setInterval(() => void wait().catch(() => undefined), WAIT_MS);
    const turn = this.last.then(() => {
      clearInterval(waiting);
      return attempt();
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
