/**
 * Splits a whole, in minor units, by weights: each part is what its weight comes to, cut off, and the units left over go one
 * by one to those that lost most by it, the earlier of equals first (the largest remainder). The parts sum to the whole.
 * Throws where the whole or a weight is below zero, or all weights are zero.
 */
export function allocate(whole: bigint, weights: readonly bigint[]): bigint[] {
  const sum = weights.reduce((total, weight) => total + weight, 0n);
  if (whole < 0n || sum <= 0n || weights.some((weight) => weight < 0n))
    throw new RangeError('a whole is split by weights that are not negative, and not all zero');
  const parts = weights.map((weight) => (whole * weight) / sum);
  const left = Number(parts.reduce((rest, part) => rest - part, whole));
  const remainders = weights.map((weight, at) => ({ at, remainder: (whole * weight) % sum }));
  remainders.sort((a, b) => (a.remainder === b.remainder ? a.at - b.at : a.remainder > b.remainder ? -1 : 1));
  for (const { at } of remainders.slice(0, left)) parts[at] = (parts[at] as bigint) + 1n;
  return parts;
}
