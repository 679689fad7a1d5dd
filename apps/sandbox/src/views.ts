import { formatAmount } from '@payflow/money';
import type { Authorization } from './domain/authorization.js';
import { net, type Books } from './domain/books.js';
import { evidenceDueBy, statusNow, type Dispute, type Operation } from './domain/operation.js';

/** What is written of things, and where their customers are sent. */
export interface Links {
  readonly actionUrl: (authorization: string) => string;
}

const sum = (value: bigint, currency: string) => ({ value: formatAmount(value), currency });
const instant = (at: number) => new Date(at).toISOString();

export function authorizationView(authorization: Authorization, links: Links) {
  const { id, currency, status, sums } = authorization;
  return {
    id,
    object: 'authorization',
    status,
    decline_code: authorization.declineCode,
    can_retry_elsewhere: authorization.canRetryElsewhere,
    amount: sum(authorization.amount, currency),
    authorized: sum(sums.authorized, currency),
    captured: sum(sums.captured, currency),
    refunded: sum(sums.refunded, currency),
    voided: authorization.isVoided,
    action: status === 'action_required' ? { url: links.actionUrl(id) } : null,
    merchant_reference: authorization.merchantReference,
    idempotency_key: authorization.idempotencyKey,
    expires_at: instant(authorization.expiresAt),
  };
}

/** An operation with what it was done to, as it is now. */
export function operationView(
  operation: Operation,
  about: { readonly authorization: Authorization; readonly dispute?: Dispute | undefined },
  links: Links,
) {
  const { authorization, dispute } = about;
  const status = statusNow(operation, authorization);
  const wasDeclinedLater = status === 'declined' && operation.status === 'action_required';
  return {
    id: operation.id,
    object: 'operation',
    type: operation.type,
    status,
    decline_code: wasDeclinedLater ? authorization.declineCode : operation.declineCode,
    can_retry_elsewhere: operation.canRetryElsewhere,
    amount: operation.amount === null ? null : sum(operation.amount, operation.currency),
    merchant_reference: operation.merchantReference,
    idempotency_key: operation.idempotencyKey,
    created_at: instant(operation.at),
    authorization: authorizationView(authorization, links),
    ...(dispute ? { dispute: disputeView(dispute) } : {}),
  };
}

export function disputeView(dispute: Dispute) {
  return {
    id: dispute.id,
    object: 'dispute',
    status: dispute.status,
    authorization: dispute.authorization,
    amount: sum(dispute.amount, dispute.currency),
    reason: dispute.reason,
    evidence: dispute.evidence,
    merchant_reference: dispute.merchantReference,
    opened_at: instant(dispute.openedAt),
    evidence_due_by: instant(evidenceDueBy(dispute)),
    decided_at: dispute.decidedAt === null ? null : instant(dispute.decidedAt),
  };
}

/** Sums as digits, one entry per currency. */
export function booksView(books: Books) {
  return [...books].map(([currency, page]) => ({
    currency,
    authorizations: page.authorizations,
    authorized: formatAmount(page.authorized),
    captured: formatAmount(page.captured),
    refunded: formatAmount(page.refunded),
    disputed: formatAmount(page.disputed),
    dispute_reversed: formatAmount(page.disputeReversed),
    net: formatAmount(net(page)),
  }));
}
