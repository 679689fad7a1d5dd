import type { AccountSnapshot, PaymentSnapshot, PaymentMethod, RefusableData, TransferPost } from '@payflow/contracts';

/**
 * A payment as this service keeps it.
 *
 *   processing ──transfer posted──→ succeeded
 *        └───────transfer refused─→ failed
 *
 * While the ledger's word is outstanding the payment takes no final state; a final state is never left.
 * `version` counts the published states: 0 until the first event.
 */
export interface Payment {
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
  readonly status: 'processing' | 'succeeded' | 'failed';
  readonly version: number;
  readonly amount: string;
  readonly asset: string;
  readonly source: string;
  readonly destination: string;
  readonly method: PaymentMethod;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly failureCode: string | null;
  /** Which limit, or what the rule says: of a payment that the organisation itself refused. */
  readonly failureReason: string | null;
  readonly customer: string | null;
  /** Null: its organisation had neither limits nor rules. `in_review`: nothing is asked of anybody until a human has decided. */
  readonly admission: 'judged' | 'in_review' | null;
  /** Event id of the command to the ledger: its verdict is recognised by it, and a repeated command carries it again. */
  readonly ledgerCommandId: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly updatedAt: string;
}

/** A payment that was accepted and is now handed to the ledger. */
export function processingPayment(
  owner: { tenant: string; livemode: boolean },
  create: RefusableData['payflow.payment.create.v1'],
  ledgerCommandId: string,
): Payment {
  return {
    id: create.id,
    tenant: owner.tenant,
    livemode: owner.livemode,
    status: 'processing',
    version: 0,
    amount: create.amount,
    asset: create.asset,
    source: create.source,
    destination: create.destination,
    method: create.method,
    reference: create.reference,
    metadata: create.metadata,
    failureCode: null,
    failureReason: null,
    customer: create.customer ?? null,
    admission: null,
    ledgerCommandId,
    createdAt: create.created_at,
    expiresAt: create.expires_at,
    updatedAt: create.created_at,
  };
}

/** The transfer that books the payment. A pure function of it, so that the command can be sent again byte for byte. */
export function transferOf(payment: Payment, transferId: string): TransferPost {
  return {
    id: transferId,
    payment: payment.id,
    debit_account: payment.source,
    credit_account: payment.destination,
    amount: payment.amount,
    asset: payment.asset,
    valid_until: payment.expiresAt,
  };
}

/** The public, full and final state of a payment that has ended. */
export function finalState(payment: Payment, accounts: readonly AccountSnapshot[]): PaymentSnapshot {
  return {
    id: payment.id,
    status: payment.status,
    source: payment.source,
    destination: payment.destination,
    amount: payment.amount,
    asset: payment.asset,
    amount_captured: payment.status === 'succeeded' ? payment.amount : '0',
    amount_refunded: '0',
    method: payment.method,
    reference: payment.reference,
    metadata: payment.metadata,
    failure: failureOf(payment),
    version: payment.version,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
    accounts,
    ...(payment.customer && { customer: payment.customer }),
  };
}

function failureOf({ failureCode: code, failureReason: reason }: Payment): PaymentSnapshot['failure'] {
  if (code === null) return null;
  return reason === null ? { code } : { code, reason };
}
