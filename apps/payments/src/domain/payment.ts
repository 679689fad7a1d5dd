import type {
  AccountSnapshot,
  CaptureMode,
  NextAction,
  PaymentCreate,
  PaymentMethod,
  PaymentSnapshot,
  RefusableData,
  TransferPost,
} from '@payflow/contracts';
import { divisionOf, toldOf, type Division } from './division.js';
import type { PaymentState } from './transitions.js';

/**
 * A payment as this service keeps it. How its state may change is in `transitions.ts`; while the ledger's word is
 * outstanding it takes no final state, and a final state is never left.
 * `version` counts the published states: 0 until the first event.
 */
export interface Payment {
  readonly id: string;
  readonly tenant: string;
  readonly livemode: boolean;
  readonly status: PaymentState;
  readonly version: number;
  readonly amount: string;
  readonly asset: string;
  readonly source: string;
  readonly destination: string;
  readonly method: PaymentMethod;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Null where the destination gets all. */
  readonly division: Division | null;
  readonly failureCode: string | null;
  /** Which limit, or what the rule says: of a payment that the organisation itself refused. */
  readonly failureReason: string | null;
  /**
   * Event id of the command to the ledger that books a payment captured at once from account to account: its verdict is
   * recognised by it, and a repeated command carries it again. Null on one that goes by steps. Another one once a review has let
   * the payment go on: under the first, nothing was sent.
   */
  readonly ledgerCommandId: string | null;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly updatedAt: string;
  readonly capture: CaptureMode;
  readonly customer: string | null;
  readonly retryOf: string | null;
  /** Minor units, as all four: set aside or taken; taken; given back; asked to be given back. */
  readonly authorized: bigint;
  readonly captured: bigint;
  readonly refunded: bigint;
  readonly refunding: bigint;
  /** Disputed, and not won: it cannot be given back. Moved by its disputes alone. */
  readonly disputed: bigint;
  readonly nextAction: NextAction | null;
  /** Said to nobody before it is authorized: its provider may have answered while its end was asked for. */
  readonly authorizedUntil: string | null;
  /** UUID of the one operation that may move its state now. */
  readonly operation: string | null;
  readonly connector: string | null;
  readonly providerReference: string | null;
  /** Id of the message that ended a direct payment of which the ledger was never asked; what ended others is written elsewhere. */
  readonly endedBy?: string;
  /** Null: its organisation had neither limits nor rules. `in_review`: nothing is asked of anybody until a human has decided. */
  readonly admission: 'judged' | 'in_review' | null;
}

type Created = RefusableData['payflow.payment.create.v1'] & Partial<PaymentCreate>;

/** A payment that was accepted and is now handed to the ledger. `ledgerCommandId` is null where it goes by steps. */
export function processingPayment(
  owner: { tenant: string; livemode: boolean },
  create: Created,
  ledgerCommandId: string | null,
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
    division: divisionOf(create),
    failureCode: null,
    failureReason: null,
    ledgerCommandId,
    createdAt: create.created_at,
    expiresAt: create.expires_at,
    updatedAt: create.created_at,
    capture: create.capture ?? 'automatic',
    customer: create.customer ?? null,
    retryOf: create.retry_of ?? null,
    authorized: 0n,
    captured: 0n,
    refunded: 0n,
    refunding: 0n,
    disputed: 0n,
    nextAction: null,
    authorizedUntil: null,
    operation: null,
    connector: null,
    providerReference: null,
    admission: null,
  };
}

/** Whether one transfer books it: nobody outside is asked, it begins at once and all is captured at once. */
export function isDirect({ method, capture, confirm }: PaymentCreate): boolean {
  return method.type === 'internal' && capture === 'automatic' && confirm === undefined;
}

/** The transfer that books a direct payment. A pure function of it, so that the command can be sent again byte for byte. */
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

/** The public and full state of a payment at its version. */
export function snapshotOf(payment: Payment, accounts: readonly AccountSnapshot[]): PaymentSnapshot {
  return {
    id: payment.id,
    status: payment.status,
    source: payment.source,
    destination: payment.destination,
    amount: payment.amount,
    asset: payment.asset,
    amount_captured: payment.captured.toString(),
    amount_refunded: payment.refunded.toString(),
    method: payment.method,
    reference: payment.reference,
    metadata: payment.metadata,
    failure: failureOf(payment),
    version: payment.version,
    created_at: payment.createdAt,
    updated_at: payment.updatedAt,
    accounts,
    ...(payment.capture === 'automatic' ? undefined : { capture: payment.capture }),
    ...(payment.authorized === payment.captured ? undefined : { amount_authorized: payment.authorized.toString() }),
    ...(payment.nextAction && { next_action: payment.nextAction }),
    ...(payment.status !== 'requires_action' &&
      payment.authorizedUntil && { authorized_until: payment.authorizedUntil }),
    ...(payment.customer && { customer: payment.customer }),
    ...(payment.retryOf && { retry_of: payment.retryOf }),
    ...toldOf(payment.division),
  };
}

function failureOf({ failureCode: code, failureReason: reason }: Payment): PaymentSnapshot['failure'] {
  if (code === null) return null;
  return reason === null ? { code } : { code, reason };
}
