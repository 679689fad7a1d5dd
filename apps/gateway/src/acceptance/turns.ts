import { unavailable } from '@payflow/service';

export interface TurnsOptions {
  readonly running_max: number;
  readonly waiting_max: number;
  readonly wait_ms: number;
  /** So many of them may be one's: whoever asks for what takes long must not keep all others waiting. */
  readonly ofOne?: { readonly running_max: number; readonly waiting_max: number };
  /** What can wait for longer has only so many of the turns, and a queue of its own length. */
  readonly patient?: { readonly running_max: number; readonly waiting_max: number; readonly wait_ms: number };
}

/** Whose a turn is, and whether it can wait for longer. */
interface Asked {
  readonly whose: string;
  readonly isPatient: boolean;
}

interface Waiting extends Asked {
  readonly begin: () => void;
}

/** Lets few things at once to the database, in the order they came, but that whoever has fewer at it is before who has more. */
export class Turns {
  #running = 0;
  #patient = 0;
  readonly #runningOf = new Map<string, number>();
  readonly #waiting = new Set<Waiting>();

  constructor(private readonly options: TurnsOptions) {}

  /** Does the work when it is its turn; `onWait` is called first where that is not at once. Throws 503 when it does not come in time. */
  async run<T>(work: () => Promise<T>, onWait?: () => void, whose = '', isPatient = false): Promise<T> {
    const asked = { whose, isPatient };
    if (this.#mayBegin(asked)) this.#begin(asked);
    else await this.#turn(onWait, asked);
    try {
      return await work();
    } finally {
      this.#end(asked);
    }
  }

  /** All bounds at once: who waited for one of them while it held a place of another would keep that from others for nothing. */
  #mayBegin({ whose, isPatient }: Asked): boolean {
    const { running_max, ofOne, patient } = this.options;
    if (this.#running >= running_max || (isPatient && this.#patient >= (patient?.running_max ?? Infinity)))
      return false;
    return (this.#runningOf.get(whose) ?? 0) < (ofOne?.running_max ?? Infinity);
  }

  #begin({ whose, isPatient }: Asked): void {
    this.#running++;
    if (isPatient) this.#patient++;
    this.#runningOf.set(whose, (this.#runningOf.get(whose) ?? 0) + 1);
  }

  #turn(onWait: (() => void) | undefined, asked: Asked): Promise<void> {
    const { waiting_max, wait_ms } = (asked.isPatient ? this.options.patient : undefined) ?? this.options;
    const alike = [...this.#waiting].filter(({ isPatient }) => isPatient === asked.isPatient);
    const own = alike.filter(({ whose }) => whose === asked.whose).length;
    const own_max = asked.isPatient ? Infinity : (this.options.ofOne?.waiting_max ?? Infinity);
    if (alike.length >= waiting_max || own >= own_max) throw unavailable();
    onWait?.();
    return new Promise((resolve, reject) => {
      const waiting = {
        ...asked,
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
  #end({ whose, isPatient }: Asked): void {
    this.#running--;
    if (isPatient) this.#patient--;
    const left = (this.#runningOf.get(whose) ?? 1) - 1;
    if (left > 0) this.#runningOf.set(whose, left);
    else this.#runningOf.delete(whose);
    // More than one, where it was the end of what kept two apart: one by whose it was, the other by what it was.
    for (let next = this.#next(); next; next = this.#next()) {
      this.#waiting.delete(next);
      this.#begin(next);
      next.begin();
    }
  }

  #next(): Waiting | undefined {
    let [next, fewest]: [Waiting | undefined, number] = [undefined, Infinity];
    for (const one of this.#waiting) {
      const own = this.#runningOf.get(one.whose) ?? 0;
      if (own < fewest && this.#mayBegin(one)) [next, fewest] = [one, own];
    }
    return next;
  }
}
