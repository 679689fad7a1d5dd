import type { RateText } from '@payflow/contracts';
import type { TransferGroupView, TransferView } from './transfer.js';

/** A conversion as the gateway shows it: a group of two transfers, with the rate between their amounts. */
export interface ConversionView extends TransferGroupView {
  readonly rate: RateText;
}

export function isConversion(view: TransferGroupView): view is ConversionView {
  return view.rate !== null;
}

/** The conversion of the HTTP API, in the order of the documentation. */
export function conversionResource(view: ConversionView) {
  const [given, taken] = view.transfers as readonly [TransferView, TransferView];
  return {
    id: view.id,
    object: 'conversion',
    status: view.status,
    source: given.debitAccount,
    source_liquidity: given.creditAccount,
    source_asset: given.asset,
    source_amount: given.amount,
    destination: taken.creditAccount,
    destination_liquidity: taken.debitAccount,
    destination_asset: taken.asset,
    destination_amount: taken.amount,
    rate: view.rate,
    transfers: [given.id, taken.id],
    failure: view.failure,
    metadata: view.metadata,
    livemode: view.livemode,
    trace_id: view.traceId,
    created_at: view.createdAt,
    recorded_at: view.recordedAt,
  };
}
