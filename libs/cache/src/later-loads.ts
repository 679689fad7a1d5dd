interface Turn<T> {
  running: Promise<T>;
  next: Promise<T> | undefined;
}

/**
 * Loads of which none began before it was asked for, and still few: of a key one is at work and one is to follow, and the
 * one that follows is for all who have asked meanwhile.
 */
export class LaterLoads<T> {
  readonly #turns = new Map<string, Turn<T>>();

  /** `onJoin` is called for who is given another's load. */
  run(name: string, load: () => Promise<T>, onJoin?: () => void): Promise<T> {
    const turn = this.#turns.get(name);
    if (turn?.next) onJoin?.();
    if (turn) return (turn.next ??= this.#after(turn, name, load));
    const running = load();
    this.#begin({ running, next: undefined }, name);
    return running;
  }

  async #after(turn: Turn<T>, name: string, load: () => Promise<T>): Promise<T> {
    await turn.running.catch(() => undefined);
    turn.running = load();
    turn.next = undefined;
    this.#begin(turn, name);
    return turn.running;
  }

  #begin(turn: Turn<T>, name: string): void {
    this.#turns.set(name, turn);
    const { running } = turn;
    const end = (): void => {
      if (turn.running === running && turn.next === undefined) this.#turns.delete(name);
    };
    running.then(end, end);
  }
}
