import type { MessageSpec } from '../messages.js';
import { conditions, type BalanceCondition } from './condition.js';
import { amount, assetCode, id, metadata, object } from './schema.js';

/**
 * A rate as two integers: `numerator` minor units of the destination's asset for `denominator` minor units of the source's.
 */
export interface RateText {
  readonly numerator: string;
  readonly denominator: string;
}

/**
 * `payflow.conversion.post.v1`: from one asset into another, through an account of each that has them. It is answered as a
 * group of two transfers, source to liquidity and liquidity to destination, with the rate.
 */
export interface ConversionPost {
  /** The group's. */
  readonly id: string;
  /** The two transfers that it makes. */
  readonly transfers: readonly [string, string];
  readonly source: string;
  readonly destination: string;
  readonly source_liquidity: string;
  readonly destination_liquidity: string;
  readonly source_asset: string;
  readonly destination_asset: string;
  readonly source_amount: string;
  readonly rate: RateText;
  readonly metadata: Readonly<Record<string, string>>;
  /** Absent where there are none. */
  readonly conditions?: readonly BalanceCondition[];
}

export const rate = object({ numerator: amount, denominator: amount });

export const conversionSchemas = {
  'payflow.conversion.post.v1': {
    topic: 'ledger.commands.v1',
    // It goes to the account its first transfer debits.
    key: (data: ConversionPost) => data.source,
    summary: 'Convert an amount into another asset at a rate, through liquidity accounts: both transfers or none.',
    schema: object(
      {
        id: id('group'),
        transfers: { type: 'array', minItems: 2, maxItems: 2, items: id('transfer') },
        source: id('account'),
        destination: id('account'),
        source_liquidity: id('account'),
        destination_liquidity: id('account'),
        source_asset: assetCode,
        destination_asset: assetCode,
        source_amount: amount,
        rate,
        metadata,
      },
      { conditions },
    ),
    refusable: ['id', 'source'],
  },
} as const satisfies Record<string, MessageSpec>;
