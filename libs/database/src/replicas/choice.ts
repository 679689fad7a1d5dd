/** What is known of a replica when a read is to be placed. */
export interface Candidate {
  /** Reads it is at work on. */
  readonly active: number;
  /** Reads it has been given. */
  readonly given: number;
  /** How many reads it gets for one of a replica of weight 1. */
  readonly weight: number;
}

/**
 * The one that is at the fewest reads for its weight, and of equals the one that has been given the fewest; undefined where there
 * is none.
 */
export function leastLoaded<C extends Candidate>(candidates: readonly C[]): C | undefined {
  return candidates.reduce<C | undefined>((best, one) => (!best || isBelow(one, best) ? one : best), undefined);
}

function isBelow(one: Candidate, other: Candidate): boolean {
  const difference = one.active / one.weight - other.active / other.weight;
  return difference === 0 ? one.given / one.weight < other.given / other.weight : difference < 0;
}
