import type { HoldState, HoldStatus } from '@payflow/contracts';

/**
 * A hold as the gateway shows it. `requested` until the ledger has set the money aside, `failed` when it refused to; the
 * others are the ledger's. `version` is 0 before the ledger has spoken, and then the ledger's.
 */
export interface HoldView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly status: 'requested' | 'failed' | HoldStatus;
  readonly debitAccount: string;
  readonly creditAccount: string;
  readonly amount: string;
  /** How much of the amount has been posted. */
  readonly posted: string;
  readonly asset: string;
  readonly expiresAt: string | null;
  readonly payment: string | null;
  /** The transaction type that it named. */
  readonly type: string | null;
  /** The transfer of its last posting. */
  readonly transfer: string | null;
  readonly failureCode: string | null;
  readonly traceId: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The hold of the HTTP API, in the order of the documentation. */
export function holdResource(view: HoldView) {
  return {
    id: view.id,
    object: 'hold',
    status: view.status,
    debit_account: view.debitAccount,
    credit_account: view.creditAccount,
    amount: view.amount,
    posted: view.posted,
    asset: view.asset,
    expires_at: view.expiresAt,
    payment: view.payment,
    type: view.type,
    transfer: view.transfer,
    failure: view.failureCode === null ? null : { code: view.failureCode },
    livemode: view.livemode,
    version: view.version,
    trace_id: view.traceId,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}

/** The hold as one change left it, though the view may be further on. */
export function holdAt(
  view: HoldView,
  { status, posted, version, recorded_at }: HoldState,
  transfer: string | null,
): HoldView {
  return { ...view, status, posted, version, transfer: transfer ?? view.transfer, updatedAt: recorded_at };
}
