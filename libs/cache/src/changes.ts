/** Longer than any transaction may take. */
const CHANGE_MS_MAX = 10_000;

/**
 * Tags that transactions under way are changing, several of one tag among them. One that nobody ends was rolled back, or its
 * COMMIT got lost: as it may have become true, it ends by being told of like any other. Times are milliseconds of a clock
 * that never goes back.
 */
export class Changes {
  /** When each of the transactions under way should have ended. */
  readonly #byTag = new Map<string, number[]>();
  /** By the very list of tags that it began with: one that is never ended must not be taken for those that come after it. */
  readonly #dueOf = new WeakMap<readonly string[], number>();

  begin(tags: readonly string[], now: number): void {
    const due = now + CHANGE_MS_MAX;
    this.#dueOf.set(tags, due);
    for (const tag of tags) {
      const dues = this.#byTag.get(tag);
      if (dues) dues.push(due);
      else this.#byTag.set(tag, [due]);
    }
  }

  /** The transaction that began with these tags has ended, and was told of. */
  end(tags: readonly string[]): void {
    const due = this.#dueOf.get(tags);
    for (const tag of tags) {
      const dues = this.#byTag.get(tag);
      const at = due === undefined ? 0 : (dues?.indexOf(due) ?? -1);
      // One that was overdue has been taken out.
      if (!dues || at < 0) continue;
      dues.splice(at, 1);
      if (dues.length === 0) this.#byTag.delete(tag);
    }
  }

  has(tags: readonly string[]): boolean {
    return this.#byTag.size > 0 && tags.some((tag) => this.#byTag.has(tag));
  }

  /** Takes out those that should have ended by now. Tags of which others are still under way will be told of with these. */
  takeOverdue(now: number): readonly string[] {
    const tags: string[] = [];
    for (const [tag, dues] of this.#byTag) {
      const left = dues.filter((due) => due > now);
      if (left.length === dues.length) continue;
      if (left.length > 0) this.#byTag.set(tag, left);
      else if (this.#byTag.delete(tag)) tags.push(tag);
    }
    return tags;
  }
}
