/**
 * Transactions on a position that its owner runs beside those of the batches: what operators asked for. One that held the lock
 * while a batch waited for it may have changed what the batch was told of with the lock.
 */
export class Beside {
  #begun = 0;
  #underWay = 0;

  async run<T>(work: () => Promise<T>): Promise<T> {
    this.#begun++;
    this.#underWay++;
    try {
      return await work();
    } finally {
      this.#underWay--;
    }
  }

  /** A mark that is the same as long as none is under way or has been meanwhile; undefined while one is. */
  mark(): number | undefined {
    return this.#underWay > 0 ? undefined : this.#begun;
  }
}
