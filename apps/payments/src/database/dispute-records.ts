import { uuidOf, type DisputeEvidence } from '@payflow/contracts';
import type { Dispute, Leg } from '../domain/dispute.js';
import type { PaymentKey } from './payment.repository.js';

/** What a provider said of a payment, to be kept. */
export interface NoticeEvidence extends PaymentKey {
  /** The event that brought it. */
  readonly eventId: string;
  readonly attempt: string | null;
  readonly connector: string;
  readonly outcome: string;
  readonly code: string | null;
  readonly providerReference: string | null;
  readonly content: object;
  readonly believed: boolean;
  /** Told unasked, or when it was asked for. */
  readonly source: 'webhook' | 'inquiry';
}

/** A change of a dispute, for the log. */
export interface DisputeTransition {
  readonly dispute: Dispute;
  readonly from: Pick<Dispute, 'status' | 'leg'> | null;
  readonly actor: string;
  readonly reason: string;
  readonly causeId: string;
  readonly traceId: string | null;
}

/** Evidence on its way to a provider. */
export interface EvidenceAttempt {
  readonly dispute: Dispute;
  readonly attempt: string;
  /** UUID. */
  readonly operation: string;
  readonly commandId: string;
  readonly actor: string;
  readonly traceId: string | null;
  readonly correlation: string;
  readonly traceparent: string | undefined;
  readonly evidence: DisputeEvidence;
}

const owner = ({ tenant, livemode }: { readonly tenant: string; readonly livemode: boolean }) => ({
  tenant_id: uuidOf('tenant', tenant),
  livemode,
});

export function legRecord({ dispute, direction, number, transfer, command }: Leg) {
  return {
    ...owner(dispute),
    transfer_id: uuidOf('transfer', transfer),
    dispute_id: uuidOf('dispute', dispute.id),
    direction,
    number,
    command_id: uuidOf('event', command),
  };
}

export function transitionRecord({ dispute, from, actor, reason, causeId, traceId }: DisputeTransition) {
  return {
    ...owner(dispute),
    dispute_id: uuidOf('dispute', dispute.id),
    version: dispute.version,
    from_status: from?.status ?? null,
    to_status: dispute.status,
    from_leg: from?.leg ?? null,
    to_leg: dispute.leg,
    actor,
    reason,
    cause_event_id: uuidOf('event', causeId),
    trace_id: traceId,
  };
}

export function evidenceRecord(evidence: NoticeEvidence) {
  const { eventId, id, attempt, connector, outcome, code, providerReference, content, believed, source } = evidence;
  return {
    ...owner(evidence),
    id: uuidOf('event', eventId),
    payment_id: uuidOf('payment', id),
    attempt_id: attempt && uuidOf('attempt', attempt),
    ...{ connector, outcome, code, provider_reference: providerReference, content, believed, source },
  };
}

export function attemptRecord(evidence: EvidenceAttempt) {
  const { dispute, attempt, operation, commandId, actor, traceId, correlation, traceparent } = evidence;
  return {
    ...owner(dispute),
    attempt_id: uuidOf('attempt', attempt),
    payment_id: uuidOf('payment', dispute.payment),
    operation_id: operation,
    action: 'submit_evidence',
    asset: dispute.asset,
    request: { reference: dispute.providerReference, evidence: evidence.evidence },
    connector: dispute.connector,
    correlation_id: uuidOf('event', correlation),
    traceparent: traceparent ?? null,
    command_id: uuidOf('event', commandId),
    ...{ actor, trace_id: traceId },
  };
}
