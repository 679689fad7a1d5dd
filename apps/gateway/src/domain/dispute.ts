import type { DisputeSnapshot } from '@payflow/contracts';

/** A dispute as the gateway shows it: what the payments service told last. */
export interface DisputeView extends Omit<DisputeSnapshot, 'accounts' | 'created_at' | 'updated_at'> {
  readonly tenant: string;
  readonly livemode: boolean;
  readonly traceId: string | null;
  readonly createdAt: string;
  readonly updatedAt: string;
}

/** The dispute of the HTTP API, in the order of the documentation. */
export function disputeResource(view: DisputeView) {
  return {
    id: view.id,
    object: 'dispute',
    status: view.status,
    payment: view.payment,
    amount: view.amount,
    asset: view.asset,
    amount_disputed: view.amount_disputed,
    reason: view.reason,
    connector: view.connector,
    provider_reference: view.provider_reference,
    evidence_due_by: view.evidence_due_by,
    evidence_submitted_at: view.evidence_submitted_at,
    leg: view.leg,
    leg_reason: view.leg_reason,
    source: view.source,
    destination: view.destination,
    transfer: view.transfer,
    return_transfer: view.return_transfer,
    livemode: view.livemode,
    version: view.version,
    trace_id: view.traceId,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
  };
}

/** The dispute as an event told of it. */
export function disputeOf(
  { tenant, livemode }: { readonly tenant: string; readonly livemode: boolean },
  { accounts: _accounts, created_at: createdAt, updated_at: updatedAt, ...state }: DisputeSnapshot,
  traceId: string | null,
): DisputeView {
  return { ...state, tenant, livemode, traceId, createdAt, updatedAt };
}
