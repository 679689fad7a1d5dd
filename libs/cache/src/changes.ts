/** Longer than any transaction may take. */
const CHANGE_MS_MAX = 10_000;

interface Change {
  /** Transactions under way. */
  readonly count: number;
  /** When the newest of them should have ended. */
  readonly due: number;
}

/**
 * Tags that transactions under way are changing, several of one tag among them. One that nobody ends was rolled back, or its
 * COMMIT got lost: as it may have become true, it ends by being told of like any other. Times are milliseconds of a clock
 * that never goes back.
 */
export class Changes {
  /** In the order in which they are due. */
  readonly #byTag = new Map<string, Change>();

  begin(tags: readonly string[], now: number): void {
    for (const tag of tags) {
      const count = this.#byTag.get(tag)?.count ?? 0;
      this.#byTag.delete(tag);
      this.#byTag.set(tag, { count: count + 1, due: now + CHANGE_MS_MAX });
    }
  }

  /** One transaction with these tags has ended, and was told of. */
  end(tags: readonly string[]): void {
    for (const tag of tags) {
      const change = this.#byTag.get(tag);
      if (!change) continue;
      if (change.count > 1) this.#byTag.set(tag, { ...change, count: change.count - 1 });
      else this.#byTag.delete(tag);
    }
  }

  has(tags: readonly string[]): boolean {
    return this.#byTag.size > 0 && tags.some((tag) => this.#byTag.has(tag));
  }

  /** Takes out those that should have ended by now. */
  takeOverdue(now: number): readonly string[] {
    const tags: string[] = [];
    for (const [tag, { due }] of this.#byTag) {
      if (due > now) break;
      tags.push(tag);
      this.#byTag.delete(tag);
    }
    return tags;
  }
}
