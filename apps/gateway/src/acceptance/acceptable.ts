import type { MessageData, MessageType, OperationKind } from '@payflow/contracts';
import type { Problem } from '@payflow/service';
import type { Owner } from '../database/keys.js';
import type { AccountView } from '../domain/account.js';
import type { AuditOrigin } from '../domain/audit.js';
import type { ConversionView } from '../domain/conversion.js';
import type { HoldView } from '../domain/hold.js';
import type { OperationView } from '../domain/operation.js';
import type { PaymentView } from '../domain/payment.js';
import type { TransferGroupView, TransferView } from '../domain/transfer.js';
import type { WriteKind } from '../domain/write-kind.js';

/** An account that a request names, by the place where it names it. */
export interface NamedAccount {
  readonly pointer: string;
  readonly id: string;
  /** Null where any will do. */
  readonly asset: string | null;
}

/** A unit of the tenant's own that a request names, by the place where it names it. */
export interface NamedUnit {
  readonly pointer: string;
  readonly code: string;
}

interface WriteOf<K extends WriteKind, V, T extends MessageType> {
  readonly kind: K;
  /** What it inserts. */
  readonly view: V;
  readonly type: T;
  readonly command: MessageData[T];
  /** The command's own id, where its answer is known by its cause. */
  readonly commandId?: string;
  /** Accounts that must be open, and of the asset. */
  readonly accounts?: readonly NamedAccount[];
  /** Units that must be defined; none where all assets are everybody's. */
  readonly units?: readonly NamedUnit[] | undefined;
  /** SHA-256 of what is asked for, where the client chose the id; without it nobody can ask for the same again. */
  readonly contentHash?: Buffer | undefined;
  /** Why it is refused, unless its key is known: what time alone made impossible must not hide the answer of the first copy. */
  readonly objection?: Problem | undefined;
}

/** A change of a resource that is there inserts nothing; its end is known by the command's id. */
export interface ChangeView extends Owner {
  readonly id: string;
  readonly createdAt: string;
}

export type PaymentWrite = WriteOf<'payment', PaymentView, 'payflow.payment.create.v1'>;
export type AccountWrite = WriteOf<'account', AccountView, 'payflow.account.open.v1'>;
export type PostWrite = WriteOf<'transfer', TransferView, 'payflow.group.post.v1'>;
export type ReversalWrite = WriteOf<'transfer', TransferView, 'payflow.transfer.reverse.v1'>;
export type CorrectionWrite = WriteOf<'transfer', TransferView, 'payflow.transfer.correct.v1'>;
export type GroupWrite = WriteOf<'group', TransferGroupView, 'payflow.group.post.v1'>;
export type ConversionWrite = WriteOf<'group', ConversionView, 'payflow.conversion.post.v1'>;
export type HoldWrite = WriteOf<'hold', HoldView, 'payflow.hold.place.v1'>;
export type HoldPostWrite = WriteOf<'transfer', TransferView, 'payflow.hold.post.v1'>;
export type HoldVoidWrite = WriteOf<'change', ChangeView, 'payflow.hold.void.v1'>;
export type AccountUpdateWrite = WriteOf<'change', ChangeView, 'payflow.account.update.v1'>;
export type AssetWrite = WriteOf<'change', ChangeView, 'payflow.asset.define.v1'>;
export type TypeWrite = WriteOf<'change', ChangeView, 'payflow.transaction_type.define.v1'>;
export type LimitWrite = WriteOf<'change', ChangeView, 'payflow.limit.define.v1'>;
export type LimitDeletion = WriteOf<'change', ChangeView, 'payflow.limit.delete.v1'>;
export type RiskRuleWrite = WriteOf<'change', ChangeView, 'payflow.risk_rule.define.v1'>;
export type RiskRuleDeletion = WriteOf<'change', ChangeView, 'payflow.risk_rule.delete.v1'>;
export type ReviewWrite = WriteOf<'change', ChangeView, 'payflow.review.decide.v1'>;
export type PeriodCloseWrite = WriteOf<'change', ChangeView, 'payflow.period.close.v1'>;
export type EvidenceWrite = WriteOf<'change', ChangeView, 'payflow.dispute.submit_evidence.v1'>;
export type TransferUpdateWrite = WriteOf<'change', ChangeView, 'payflow.transfer.update.v1'>;

interface OperationOf<K extends OperationKind, T extends MessageType> extends WriteOf<K, OperationView, T> {
  /** Its end names it: the operation's id is the client's, and may be met again. */
  readonly commandId: string;
  /** The version that the payment must still have, or null where any will do. */
  readonly ifVersion: number | null;
}

/** What is asked of a payment that is there. Its place among the payment's commands is given when it is accepted. */
export type OperationWrite =
  | OperationOf<'confirmation', 'payflow.payment.confirm.v1'>
  | OperationOf<'increment', 'payflow.payment.increment.v1'>
  | OperationOf<'capture', 'payflow.payment.capture.v1'>
  | OperationOf<'cancellation', 'payflow.payment.cancel.v1'>
  | OperationOf<'refund', 'payflow.payment.refund.v1'>;

/** The resource a write makes, with the command that makes it; or the command that changes one. */
export type Write =
  | PaymentWrite
  | AccountWrite
  | PostWrite
  | ReversalWrite
  | CorrectionWrite
  | GroupWrite
  | ConversionWrite
  | HoldWrite
  | HoldPostWrite
  | HoldVoidWrite
  | AccountUpdateWrite
  | AssetWrite
  | PeriodCloseWrite
  | TypeWrite
  | EvidenceWrite
  | LimitWrite
  | LimitDeletion
  | RiskRuleWrite
  | RiskRuleDeletion
  | ReviewWrite
  | TransferUpdateWrite
  | OperationWrite;

/** What is kept of a write under its Idempotency-Key. */
export interface KeyedWrite extends Owner {
  readonly idempotencyKey: string;
  readonly fingerprint: Buffer;
  readonly apiVersion: string;
  readonly write: {
    readonly kind: WriteKind;
    readonly view: { readonly id: string; readonly createdAt: string };
    readonly contentHash?: Buffer | undefined;
  };
}

/** A write that passed every check at the edge and asks to be made durable. */
export interface Acceptable {
  readonly tenant: string;
  readonly livemode: boolean;
  /** Id of the API key. */
  readonly actor: string;
  readonly idempotencyKey: string;
  /** SHA-256 over method, path with query, and body. */
  readonly fingerprint: Buffer;
  readonly apiVersion: string;
  readonly requestId: string;
  readonly traceparent: string | undefined;
  /** Where it comes from, if it is to be written down in the audit log. */
  readonly audit?: AuditOrigin;
  readonly write: Write;
}

/** The final answer to a write, rendered once by whoever applied the final event. */
export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What became of a write at the door. */
export type Acceptance =
  | { readonly outcome: 'accepted' }
  /** A copy of a write that is still on its way: wait for that one, by its own key. */
  | { readonly outcome: 'joined'; readonly resourceId: string; readonly idempotencyKey: string }
  /** A copy of a write that has ended. */
  | { readonly outcome: 'replayed'; readonly reply: Reply }
  /** A copy of a transfer that a bulk made, and that is shown as it stands. */
  | { readonly outcome: 'made_by_bulk' }
  | { readonly outcome: 'refused'; readonly code: RefusedCode };

export type RefusedCode = 'idempotency_key_reused' | 'id_reused' | 'account_exists' | 'not_found' | 'version_differs';
