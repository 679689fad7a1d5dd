/** Largest amount in minor units: what a signed 64-bit column holds. */
export const AMOUNT_MAX = 9_223_372_036_854_775_807n;

const DIGITS = /^(?:0|[1-9][0-9]{0,18})$/;

/**
 * Reads an amount from its JSON form: a string of ASCII digits, minor units, no sign, no leading zero.
 * Returns undefined for anything else (`"1e3"`, `" 12 "`, `"007"`, `"１２"`, a number, more than a signed 64-bit column holds).
 */
export function parseAmount(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !DIGITS.test(text)) return undefined;
  const amount = BigInt(text);
  return amount <= AMOUNT_MAX ? amount : undefined;
}

/** The JSON form of an amount in minor units. */
export function formatAmount(amount: bigint): string {
  return amount.toString();
}

const SIGNED_DIGITS = /^(?:0|-?[1-9][0-9]{0,18})$/;

/** Reads a balance from its JSON form: {@link parseAmount} with a minus sign allowed. */
export function parseSignedAmount(text: unknown): bigint | undefined {
  if (typeof text !== 'string' || !SIGNED_DIGITS.test(text)) return undefined;
  const amount = BigInt(text);
  return amount <= AMOUNT_MAX && amount >= -AMOUNT_MAX ? amount : undefined;
}
