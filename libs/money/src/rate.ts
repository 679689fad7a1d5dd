/** An exact rate between two assets: `numerator` minor units of one for `denominator` minor units of the other. */
export interface Rate {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

/** What an amount becomes at a rate, in whole minor units: what is left of the last one stays with whoever gives it. */
export function convert(amount: bigint, { numerator, denominator }: Rate): bigint {
  // BigInt division cuts towards zero, and nothing here is below it.
  return (amount * numerator) / denominator;
}
