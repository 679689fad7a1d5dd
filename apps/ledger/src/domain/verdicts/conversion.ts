import type { ConversionPost } from '@payflow/contracts';
import { parseAmount } from '@payflow/money';
import type { Book, Owner } from '../book.js';
import { postConversion, type ConversionTerms } from '../conversion.js';
import { booksOf, keepGroup, refuseGroup, toCondition, type Posted, type Rejected } from './group.js';

/** A conversion is told as the group that it is, with its rate. */
export function acceptConversion(book: Book, owner: Owner, data: ConversionPost): Posted | Rejected {
  const decision = postConversion(toTerms(data), booksOf(book, owner), book.now);
  if (decision.kind === 'refused') return refuseGroup(data.id, data.source, decision, book.now);
  const { type, data: posted } = keepGroup(book, owner, decision, { ...data, effective_at: null });
  return { type, data: { ...posted, rate: data.rate } };
}

function toTerms(data: ConversionPost): ConversionTerms {
  const { numerator, denominator } = data.rate;
  return {
    transfers: data.transfers,
    source: data.source,
    sourceLiquidity: data.source_liquidity,
    destinationLiquidity: data.destination_liquidity,
    destination: data.destination,
    sourceAsset: data.source_asset,
    destinationAsset: data.destination_asset,
    sourceAmount: parseAmount(data.source_amount) ?? 0n,
    conditions: (data.conditions ?? []).map(toCondition),
    rate: { numerator: parseAmount(numerator) ?? 0n, denominator: parseAmount(denominator) ?? 0n },
  };
}
