/**
 * One attempt at a suspect at a time, of all partitions and groups of a process: of what is at work when the process dies the message
 * that killed it cannot be told, and each of the others would be counted, and quarantined, with it.
 */
export class Suspects {
  private last: Promise<unknown> = Promise.resolve();

  /** Runs when those before it have ended, however they did. */
  inTurn<T>(attempt: () => Promise<T>): Promise<T> {
    const turn = this.last.then(attempt);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
