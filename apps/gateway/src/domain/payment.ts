import type { PaymentMethod, PaymentStatus } from '@payflow/contracts';

/** A payment as the gateway shows it. `version` is 0 until the first event. */
export interface PaymentView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: PaymentStatus;
  readonly version: number;
  readonly amount: string;
  readonly amountCaptured: string;
  readonly amountRefunded: string;
  readonly asset: string;
  readonly source: string;
  readonly destination: string;
  readonly method: PaymentMethod;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly failureCode: string | null;
  /** Which limit, or what the rule says: where the organisation itself refused. */
  readonly failureReason?: string;
  readonly traceId: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The payment of the HTTP API, in the order of the documentation. */
export function paymentResource(view: PaymentView) {
  return {
    id: view.id,
    object: 'payment',
    status: view.status,
    amount: view.amount,
    asset: view.asset,
    amount_captured: view.amountCaptured,
    amount_refunded: view.amountRefunded,
    source: view.source,
    destination: view.destination,
    method: view.method,
    failure: failureOf(view),
    reference: view.reference,
    metadata: view.metadata,
    livemode: view.livemode,
    version: view.version,
    trace_id: view.traceId,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}

/** `reason` is there where there is one: most refusals are the ledger's. */
function failureOf({ failureCode: code, failureReason: reason }: PaymentView) {
  if (code === null) return null;
  return reason === undefined ? { code } : { code, reason };
}
