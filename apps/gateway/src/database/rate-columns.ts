import type { RateText } from '@payflow/contracts';

/** The columns of a rate, as transfers and groups have them. */
export const RATE_COLUMNS = 'rate_numerator, rate_denominator';

export interface RateRow {
  rate_numerator: bigint | null;
  rate_denominator: bigint | null;
}

/** Columns `rate_numerator[], rate_denominator[]` of the views. */
export function rateValues(views: readonly { readonly rate: RateText | null }[]): [unknown[], unknown[]] {
  return [views.map(({ rate }) => rate && rate.numerator), views.map(({ rate }) => rate && rate.denominator)];
}

export function rateOf({ rate_numerator: numerator, rate_denominator: denominator }: RateRow): RateText | null {
  return numerator === null || denominator === null
    ? null
    : { numerator: numerator.toString(), denominator: denominator.toString() };
}
