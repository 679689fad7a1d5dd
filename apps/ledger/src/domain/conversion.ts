import { AMOUNT_MAX, convert, type Rate } from '@payflow/money';
import {
  postGroup,
  refusedAt,
  type Condition,
  type GroupBooks,
  type GroupLeg,
  type GroupPosted,
  type GroupRefused,
} from './group.js';

/** From one asset into another, through an account of each that has them. */
export interface ConversionTerms {
  /** The transfers that it makes. */
  readonly transfers: readonly [string, string];
  readonly source: string;
  readonly sourceLiquidity: string;
  readonly destinationLiquidity: string;
  readonly destination: string;
  readonly sourceAsset: string;
  readonly destinationAsset: string;
  readonly sourceAmount: bigint;
  /** Minor units of the destination's asset for minor units of the source's. */
  readonly rate: Rate;
  readonly conditions: readonly Condition[];
}

const ACCOUNTS_MAX = 4;

/** Posts both transfers or none. No money changes its asset: each asset goes from one account to another. */
export function postConversion(terms: ConversionTerms, books: GroupBooks, now: string): GroupPosted | GroupRefused {
  const { sourceAmount, rate } = terms;
  if (sourceAmount <= 0n) return refusedAt(null, 'amount_not_positive');
  if (rate.numerator <= 0n || rate.denominator <= 0n) return refusedAt(null, 'rate_not_positive');
  if (terms.sourceAsset === terms.destinationAsset) return refusedAt(null, 'assets_identical');
  const destinationAmount = convert(sourceAmount, rate);
  if (destinationAmount <= 0n) return refusedAt(null, 'conversion_too_small');
  if (destinationAmount > AMOUNT_MAX) return refusedAt(null, 'conversion_too_large');
  const { conditions } = terms;
  const group = { legs: legsOf(terms, destinationAmount), conditions, effectiveAt: null, stopsOnFirst: false };
  return postGroup(group, books, { accounts_max: ACCOUNTS_MAX }, now);
}

function legsOf(terms: ConversionTerms, destinationAmount: bigint): GroupLeg[] {
  const { source, sourceLiquidity, destinationLiquidity, destination, sourceAsset, destinationAsset } = terms;
  const [given, taken] = terms.transfers;
  return [
    {
      id: given,
      debitAccount: source,
      creditAccount: sourceLiquidity,
      amount: terms.sourceAmount,
      asset: sourceAsset,
      upTo: false,
    },
    {
      id: taken,
      debitAccount: destinationLiquidity,
      creditAccount: destination,
      amount: destinationAmount,
      asset: destinationAsset,
      upTo: false,
    },
  ];
}
