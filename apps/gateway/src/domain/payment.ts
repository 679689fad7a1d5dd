import type {
  BreakdownPart,
  CaptureMode,
  NextAction,
  PaymentMethod,
  PaymentSnapshot,
  PaymentStatus,
} from '@payflow/contracts';

/** Who else gets a part of what is captured, and the transaction type that said so. */
export interface DivisionView {
  readonly breakdown: readonly BreakdownPart[];
  readonly type?: string;
}

/** A payment as the gateway shows it. `version` is 0 until the first event. */
export interface PaymentView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: PaymentStatus;
  readonly version: number;
  readonly amount: string;
  /** Null where it is what was captured. */
  readonly amountAuthorized: string | null;
  readonly amountCaptured: string;
  readonly amountRefunded: string;
  readonly asset: string;
  readonly source: string;
  readonly destination: string;
  readonly method: PaymentMethod;
  readonly capture: CaptureMode;
  readonly nextAction: NextAction | null;
  readonly authorizedUntil: string | null;
  readonly customer: string | null;
  readonly retryOf: string | null;
  /** Null where the destination gets all. */
  readonly division: DivisionView | null;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly failureCode: string | null;
  /** Which limit, or what the rule says: where the organisation itself refused. */
  readonly failureReason?: string;
  readonly traceId: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** Never left: a refund is a change of the sums alone. */
const FINAL: ReadonlySet<PaymentStatus> = new Set(['succeeded', 'failed', 'canceled', 'expired']);

export function isFinal({ status }: Pick<PaymentView, 'status'>): boolean {
  return FINAL.has(status);
}

/** The payment of the HTTP API, in the order of the documentation. */
export function paymentResource(view: PaymentView) {
  return {
    id: view.id,
    object: 'payment',
    status: view.status,
    amount: view.amount,
    asset: view.asset,
    amount_authorized: view.amountAuthorized ?? view.amountCaptured,
    amount_captured: view.amountCaptured,
    amount_refunded: view.amountRefunded,
    source: view.source,
    destination: view.destination,
    method: view.method,
    ...view.division,
    capture: view.capture,
    next_action: view.nextAction,
    authorized_until: view.authorizedUntil,
    failure: failureOf(view),
    customer: view.customer,
    retry_of: view.retryOf,
    reference: view.reference,
    metadata: view.metadata,
    livemode: view.livemode,
    version: view.version,
    trace_id: view.traceId,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}

/** The payment as one event told of it, though the view may be further on. */
export function paymentAt(view: PaymentView, told: PaymentSnapshot): PaymentView {
  return {
    ...view,
    status: told.status,
    version: told.version,
    amountAuthorized: told.amount_authorized ?? null,
    amountCaptured: told.amount_captured,
    amountRefunded: told.amount_refunded,
    capture: told.capture ?? view.capture,
    nextAction: told.next_action ?? null,
    authorizedUntil: told.authorized_until ?? null,
    failureCode: told.failure?.code ?? null,
    ...(told.failure?.reason === undefined ? {} : { failureReason: told.failure.reason }),
    updatedAt: told.updated_at,
  };
}

/** `reason` is there where there is one: most refusals are the ledger's. */
function failureOf({ failureCode: code, failureReason: reason }: PaymentView) {
  if (code === null) return null;
  return reason === undefined ? { code } : { code, reason };
}
