import { unavailable } from '@payflow/service';

/** At one time in this process: each holds a page or two, and the last of them must not wait for the first of the others. */
const EXPORTS_MAX = 16;
/** Who takes nothing of a page for so long gives up the place where an organisation that has none needs it. */
const SLOW_MS = 10_000;

interface ExportPlacesOptions {
  readonly places_max: number;
  readonly slow_ms: number;
  readonly clock: () => number;
}

/** One export's place, until it is left. */
export interface ExportPlace {
  /** From now on it is the reader who is waited for; `cut` ends the export where its place is given to another. */
  stands(cut: () => void): void;
  /** The reader has taken what there was. */
  taken(): void;
  /** Gives the place back, once. */
  leave(): void;
}

interface Held {
  readonly organisation: string;
  /** Since when its reader has taken nothing, and how it is ended. */
  standing?: { readonly since_ms: number; readonly cut: () => void } | undefined;
}

/**
 * The places of exports. An organisation may have as many as are free besides: half where nobody else has any, and the more others
 * have, the fewer. So two cannot have all, however slowly they read, and where several together have all that there are, who has none is given
 * the one that has stood longest.
 */
export class ExportPlaces {
  readonly #held = new Set<Held>();

  constructor(
    private readonly options: ExportPlacesOptions = {
      places_max: EXPORTS_MAX,
      slow_ms: SLOW_MS,
      clock: () => performance.now(),
    },
  ) {}

  /** Takes a place, or throws 503. */
  enter(organisation: string): ExportPlace {
    if (!this.#isFreeFor(organisation)) this.#cutFor(organisation);
    const held: Held = { organisation };
    this.#held.add(held);
    return {
      stands: (cut) => (held.standing = { since_ms: this.options.clock(), cut }),
      taken: () => (held.standing = undefined),
      leave: () => this.#held.delete(held),
    };
  }

  #isFreeFor(organisation: string): boolean {
    return this.#countOf(organisation) < this.options.places_max - this.#held.size;
  }

  #countOf(organisation: string): number {
    let count = 0;
    for (const one of this.#held) if (one.organisation === organisation) count++;
    return count;
  }

  /** Who has some waits for its own. One organisation's only export is cut for nobody's: that would be no fairer. */
  #cutFor(organisation: string): void {
    const slow = this.#countOf(organisation) === 0 ? this.#slowest() : undefined;
    if (!slow?.standing) throw unavailable();
    this.#held.delete(slow);
    slow.standing.cut();
  }

  /** Of those that have stood too long, one of the organisation that has the most places: the one that has stood longest. */
  #slowest(): Held | undefined {
    const { clock, slow_ms } = this.options;
    const before_ms = clock() - slow_ms;
    let [slowest, most] = [undefined as Held | undefined, 1];
    for (const one of this.#held) {
      if (!one.standing || one.standing.since_ms > before_ms) continue;
      const count = this.#countOf(one.organisation);
      const isLonger = count === most && slowest?.standing && one.standing.since_ms < slowest.standing.since_ms;
      if (count > most || isLonger) [slowest, most] = [one, count];
    }
    return slowest;
  }
}
