/** The sums of a payment that a refund is decided on, minor units. */
export interface RefundableSums {
  readonly captured: bigint;
  readonly refunded: bigint;
  /** Asked for and not ended. */
  readonly refunding: bigint;
  /** Disputed, and not won: the provider has taken it, or may. */
  readonly disputed: bigint;
}

/**
 * True where a refund would be allowed but for what is disputed: that money is with the cardholder's bank already, and given back
 * twice it would be lost. A dispute of what was refunded before leaves less than nothing, and is answered with evidence.
 */
export function isRefundDisputed({ captured, refunded, refunding, disputed }: RefundableSums, amount: bigint): boolean {
  const given = refunded + refunding + amount;
  return given <= captured && given > captured - disputed;
}
