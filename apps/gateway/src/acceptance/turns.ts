import { unavailable } from '@payflow/service';

export interface TurnsOptions {
  readonly running_max: number;
  readonly waiting_max: number;
  readonly wait_ms: number;
  /** So many of them may be one's: whoever asks for what takes long must not keep all others waiting. */
  readonly ofOne?: { readonly running_max: number; readonly waiting_max: number };
}

interface Waiting {
  readonly begin: () => void;
  readonly whose: string;
}

/** Lets few things at once to the database, in the order they came, but that whoever has fewer at it is before who has more. */
export class Turns {
  #running = 0;
  readonly #runningOf = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();

  constructor(private readonly options: TurnsOptions) {}

  /** Does the work when it is its turn; `onWait` is called first where that is not at once. Throws 503 when it does not come in time. */
  async run<T>(work: () => Promise<T>, onWait?: () => void, whose = ''): Promise<T> {
    if (this.#running < this.options.running_max && this.#mayBegin(whose)) this.#begin(whose);
    else await this.#turn(onWait, whose);
    try {
      return await work();
    } finally {
      this.#end(whose);
    }
  }

  #mayBegin(whose: string): boolean {
    return (this.#runningOf.get(whose) ?? 0) < (this.options.ofOne?.running_max ?? Infinity);
  }

  #begin(whose: string): void {
    this.#running++;
    this.#runningOf.set(whose, (this.#runningOf.get(whose) ?? 0) + 1);
  }

  #turn(onWait: (() => void) | undefined, whose: string): Promise<void> {
    const { waiting_max, wait_ms, ofOne } = this.options;
    const own = ofOne ? [...this.#waiting].filter((one) => one.whose === whose).length : 0;
    if (this.#waiting.size >= waiting_max || own >= (ofOne?.waiting_max ?? Infinity)) throw unavailable();
    onWait?.();
    return new Promise((resolve, reject) => {
      const waiting = {
        whose,
        begin: (): void => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(waiting);
        reject(unavailable());
      }, wait_ms);
      this.#waiting.add(waiting);
    });
  }

  /** The place goes to whoever has the fewest of those that may begin, among equals to the one that has waited longest. */
  #end(whose: string): void {
    this.#running--;
    const left = (this.#runningOf.get(whose) ?? 1) - 1;
    if (left > 0) this.#runningOf.set(whose, left);
    else this.#runningOf.delete(whose);
    const next = this.#next();
    if (!next) return;
    this.#waiting.delete(next);
    this.#begin(next.whose);
    next.begin();
  }

  #next(): Waiting | undefined {
    let [next, fewest]: [Waiting | undefined, number] = [undefined, Infinity];
    for (const one of this.#waiting) {
      const own = this.#runningOf.get(one.whose) ?? 0;
      if (own < fewest && this.#mayBegin(one.whose)) [next, fewest] = [one, own];
    }
    return next;
  }
}
