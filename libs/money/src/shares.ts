/**
 * How the first units of a whole are divided, in minor units, where the whole itself is divided into `parts`: each has about
 * the proportion that it has of the whole, and all of its own once all units are there. More units make no share smaller, so
 * that what one step adds is the difference between two calls, whatever the steps before it were. The shares sum to the units;
 * beyond the whole they go on in the same proportion. One is off its exact proportion by at most half a unit for each part, and
 * half a unit more. (Webster's method: of all orders in which units could be dealt out it is the one that keeps nearest to the
 * proportions. The earlier of equals has a unit first.) Throws where units or a part are below zero, or all parts are zero.
 */
export function sharesOf(units: bigint, parts: readonly bigint[]): bigint[] {
  const whole = parts.reduce((sum, part) => sum + part, 0n);
  if (units < 0n || whole <= 0n || parts.some((part) => part < 0n))
    throw new RangeError('units are divided by parts that are not negative, and not all zero');
  // The nth unit of a part has its turn at (2n - 1) / 2 of a unit's proportion: here all have what is due by now.
  const shares = parts.map((part) => (2n * part * units + whole) / (2n * whole));
  let missing = shares.reduce((left, share) => left - share, units);
  for (; missing > 0n; missing--) add(shares, next(shares, parts), 1n);
  for (; missing < 0n; missing++) add(shares, last(shares, parts), -1n);
  return shares;
}

/** Whose unit comes next. */
function next(shares: readonly bigint[], parts: readonly bigint[]): number {
  let first = -1;
  for (const [at, part] of parts.entries()) {
    if (part === 0n) continue;
    if (
      first < 0 ||
      isEarlier(2n * valueAt(shares, at) + 1n, part, 2n * valueAt(shares, first) + 1n, valueAt(parts, first))
    )
      first = at;
  }
  return first;
}

/** Whose unit came last. */
function last(shares: readonly bigint[], parts: readonly bigint[]): number {
  let latest = -1;
  for (const [at, part] of parts.entries()) {
    if (valueAt(shares, at) === 0n) continue;
    if (
      latest < 0 ||
      !isEarlier(2n * valueAt(shares, at) - 1n, part, 2n * valueAt(shares, latest) - 1n, valueAt(parts, latest))
    )
      latest = at;
  }
  return latest;
}

/** Turns are fractions: twice the unit's number less one, by what its part is. */
function isEarlier(turn: bigint, part: bigint, otherTurn: bigint, otherPart: bigint): boolean {
  return turn * otherPart < otherTurn * part;
}

function add(shares: bigint[], at: number, units: bigint): void {
  shares[at] = valueAt(shares, at) + units;
}

function valueAt(values: readonly bigint[], at: number): bigint {
  return values[at] as bigint;
}
