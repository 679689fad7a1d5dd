import { OPERATION_KINDS, type OperationKind } from '@payflow/contracts';

/** Something that was asked of a payment that is there, as the gateway shows it. `version` is 0 before payments has spoken. */
export interface OperationView {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly id: string;
  readonly kind: OperationKind;
  readonly payment: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  /** Null where all that is left was asked for and it has not ended, and where there is no sum. */
  readonly amount: string | null;
  readonly asset: string;
  readonly failureCode: string | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly traceId: string | null;
  readonly version: number;
  readonly createdAt: string;
  readonly updatedAt: string;
}

export function isOperationKind(kind: string): kind is OperationKind {
  return Object.hasOwn(OPERATION_KINDS, kind);
}

/** The refund, the capture … of the HTTP API, in the order of the documentation. */
export function operationResource(view: OperationView) {
  return {
    id: view.id,
    object: view.kind,
    payment: view.payment,
    status: view.status,
    amount: view.amount,
    asset: view.asset,
    failure: view.failureCode === null ? null : { code: view.failureCode },
    reason: view.reason,
    metadata: view.metadata,
    livemode: view.livemode,
    version: view.version,
    trace_id: view.traceId,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}
