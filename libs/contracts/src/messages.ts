import type { BlockState, NewNetwork } from './messages/access.js';
import { accessSchemas } from './messages/access.js';
import type { AccountOpen, AccountOpened, AccountRejected, AccountUpdate } from './messages/account.js';
import { accountSchemas } from './messages/account.js';
import type { AssetDefine, AssetDefined, AssetRejected } from './messages/asset.js';
import { assetSchemas } from './messages/asset.js';
import type { ConversionPost } from './messages/conversion.js';
import { conversionSchemas } from './messages/conversion.js';
import type { TransferCorrect } from './messages/correction.js';
import { correctionSchemas } from './messages/correction.js';
import type {
  DisputeAnswer,
  DisputeEvidenceRejected,
  DisputeEvidenceSubmitted,
  DisputeSnapshot,
  DisputeSubmitEvidence,
  DisputeSweep,
} from './messages/dispute.js';
import { disputeSchemas } from './messages/dispute.js';
import type { HoldPlace, HoldPost, HoldPosted, HoldRejected, HoldState, HoldVoid } from './messages/hold.js';
import { holdSchemas } from './messages/hold.js';
import type { LimitDefine, LimitDefined, LimitDelete, LimitDeleted, LimitRejected } from './messages/limit.js';
import { limitSchemas } from './messages/limit.js';
import type { OverdraftMoved } from './messages/overdraft.js';
import { overdraftSchemas } from './messages/overdraft.js';
import type {
  OperationEnded,
  PaymentAnswer,
  PaymentCancel,
  PaymentCapture,
  PaymentConfirm,
  PaymentExpire,
  PaymentIncrement,
  PaymentNotice,
  PaymentRefund,
} from './messages/operation.js';
import { operationSchemas } from './messages/operation.js';
import type { PaymentCreate, PaymentSnapshot, PaymentSweep } from './messages/payment.js';
import { paymentSchemas } from './messages/payment.js';
import type { GroupPost, GroupPosted, GroupRejected, TransferReverse } from './messages/group.js';
import { groupSchemas } from './messages/group.js';
import type { PeriodClose, PeriodClosed, PeriodClosing, PeriodRejected } from './messages/period.js';
import { periodSchemas } from './messages/period.js';
import type { ReviewDecide, ReviewRejected, ReviewState } from './messages/review.js';
import { reviewSchemas } from './messages/review.js';
import type {
  RiskRuleDefine,
  RiskRuleDefined,
  RiskRuleDelete,
  RiskRuleDeleted,
  RiskRuleRejected,
} from './messages/risk-rule.js';
import { riskRuleSchemas } from './messages/risk-rule.js';
import type { LedgerSealed } from './messages/seal.js';
import { sealSchemas } from './messages/seal.js';
import type {
  TransactionTypeDefine,
  TransactionTypeDefined,
  TransactionTypeRejected,
} from './messages/transaction-type.js';
import { transactionTypeSchemas } from './messages/transaction-type.js';
import type { TestClock } from './messages/test-clock.js';
import { testClockSchemas } from './messages/test-clock.js';
import type { TransferPost, TransferPosted, TransferRejected } from './messages/transfer.js';
import { transferSchemas } from './messages/transfer.js';
import type { TransferUpdate, TransferUpdated, TransferUpdateRejected } from './messages/transfer-update.js';
import { transferUpdateSchemas } from './messages/transfer-update.js';
import type { Topic } from './topology.js';

/** The data of every message type, by its CloudEvents type. */
export interface MessageData {
  'payflow.payment.create.v1': PaymentCreate;
  'payflow.payment.sweep.v1': PaymentSweep;
  'payflow.payment.succeeded.v1': PaymentSnapshot;
  'payflow.payment.failed.v1': PaymentSnapshot;
  'payflow.payment.requires_action.v1': PaymentSnapshot;
  'payflow.payment.authorized.v1': PaymentSnapshot;
  'payflow.payment.partially_captured.v1': PaymentSnapshot;
  'payflow.payment.canceled.v1': PaymentSnapshot;
  'payflow.payment.expired.v1': PaymentSnapshot;
  'payflow.payment.updated.v1': PaymentSnapshot;
  'payflow.payment.confirm.v1': PaymentConfirm;
  'payflow.payment.increment.v1': PaymentIncrement;
  'payflow.payment.capture.v1': PaymentCapture;
  'payflow.payment.cancel.v1': PaymentCancel;
  'payflow.payment.refund.v1': PaymentRefund;
  'payflow.payment.answer.v1': PaymentAnswer;
  'payflow.payment.expire.v1': PaymentExpire;
  'payflow.payment.notice.v1': PaymentNotice;
  'payflow.confirmation.succeeded.v1': OperationEnded;
  'payflow.confirmation.failed.v1': OperationEnded;
  'payflow.increment.succeeded.v1': OperationEnded;
  'payflow.increment.failed.v1': OperationEnded;
  'payflow.capture.succeeded.v1': OperationEnded;
  'payflow.capture.failed.v1': OperationEnded;
  'payflow.cancellation.succeeded.v1': OperationEnded;
  'payflow.cancellation.failed.v1': OperationEnded;
  'payflow.refund.succeeded.v1': OperationEnded;
  'payflow.refund.failed.v1': OperationEnded;
  'payflow.dispute.submit_evidence.v1': DisputeSubmitEvidence;
  'payflow.dispute.sweep.v1': DisputeSweep;
  'payflow.dispute.answer.v1': DisputeAnswer;
  'payflow.dispute.opened.v1': DisputeSnapshot;
  'payflow.dispute.updated.v1': DisputeSnapshot;
  'payflow.dispute.evidence_submitted.v1': DisputeEvidenceSubmitted;
  'payflow.dispute.evidence_rejected.v1': DisputeEvidenceRejected;
  'payflow.dispute.won.v1': DisputeSnapshot;
  'payflow.dispute.lost.v1': DisputeSnapshot;
  'payflow.account.open.v1': AccountOpen;
  'payflow.account.opened.v1': AccountOpened;
  'payflow.account.update.v1': AccountUpdate;
  'payflow.account.updated.v1': AccountOpened;
  'payflow.account.update_rejected.v1': AccountRejected;
  'payflow.account.rejected.v1': AccountRejected;
  'payflow.account.overdraft_drawn.v1': OverdraftMoved;
  'payflow.account.overdraft_repaid.v1': OverdraftMoved;
  'payflow.account.overdraft_cleared.v1': OverdraftMoved;
  'payflow.asset.define.v1': AssetDefine;
  'payflow.asset.defined.v1': AssetDefined;
  'payflow.asset.rejected.v1': AssetRejected;
  'payflow.transfer.post.v1': TransferPost;
  'payflow.transfer.posted.v1': TransferPosted;
  'payflow.transfer.rejected.v1': TransferRejected;
  'payflow.group.post.v1': GroupPost;
  'payflow.transfer.reverse.v1': TransferReverse;
  'payflow.conversion.post.v1': ConversionPost;
  'payflow.transfer.correct.v1': TransferCorrect;
  'payflow.transfer.update.v1': TransferUpdate;
  'payflow.transfer.updated.v1': TransferUpdated;
  'payflow.transfer.update_rejected.v1': TransferUpdateRejected;
  'payflow.group.posted.v1': GroupPosted;
  'payflow.group.rejected.v1': GroupRejected;
  'payflow.hold.place.v1': HoldPlace;
  'payflow.hold.post.v1': HoldPost;
  'payflow.hold.void.v1': HoldVoid;
  'payflow.hold.placed.v1': HoldState;
  'payflow.hold.posted.v1': HoldPosted;
  'payflow.hold.voided.v1': HoldState;
  'payflow.hold.rejected.v1': HoldRejected;
  'payflow.ledger.sealed.v1': LedgerSealed;
  'payflow.period.close.v1': PeriodClose;
  'payflow.period.closing.v1': PeriodClosing;
  'payflow.period.closed.v1': PeriodClosed;
  'payflow.period.rejected.v1': PeriodRejected;
  'payflow.transaction_type.define.v1': TransactionTypeDefine;
  'payflow.transaction_type.defined.v1': TransactionTypeDefined;
  'payflow.transaction_type.rejected.v1': TransactionTypeRejected;
  'payflow.limit.define.v1': LimitDefine;
  'payflow.limit.defined.v1': LimitDefined;
  'payflow.limit.delete.v1': LimitDelete;
  'payflow.limit.deleted.v1': LimitDeleted;
  'payflow.limit.rejected.v1': LimitRejected;
  'payflow.risk_rule.define.v1': RiskRuleDefine;
  'payflow.risk_rule.defined.v1': RiskRuleDefined;
  'payflow.risk_rule.delete.v1': RiskRuleDelete;
  'payflow.risk_rule.deleted.v1': RiskRuleDeleted;
  'payflow.risk_rule.rejected.v1': RiskRuleRejected;
  'payflow.review.decide.v1': ReviewDecide;
  'payflow.review.opened.v1': ReviewState;
  'payflow.review.decided.v1': ReviewState;
  'payflow.review.rejected.v1': ReviewRejected;
  'payflow.payments_clock.set.v1': TestClock;
  'payflow.payments_clock.moved.v1': TestClock;
  'payflow.ledger_clock.set.v1': TestClock;
  'payflow.ledger_clock.moved.v1': TestClock;
  'payflow.block.placed.v1': BlockState;
  'payflow.block.lifted.v1': BlockState;
  'payflow.api_key.new_network.v1': NewNetwork;
}

export type MessageType = keyof MessageData;

/** Which operation of which payment, and its place among the payment's commands, which its refusal uses up. */
type OperationFields = 'id' | 'sequence' | 'operation' | 'created_at';

/**
 * What must be readable of a command for it to be refused although it cannot be decoded: what its refusal repeats. A command
 * that is not here is answered by nobody.
 */
export interface RefusableData {
  'payflow.payment.create.v1': Omit<PaymentCreate, 'sequence' | 'capture'>;
  'payflow.payment.confirm.v1': Pick<PaymentConfirm, OperationFields>;
  'payflow.payment.increment.v1': Pick<PaymentIncrement, OperationFields>;
  'payflow.payment.capture.v1': Pick<PaymentCapture, OperationFields>;
  'payflow.payment.cancel.v1': Pick<PaymentCancel, OperationFields>;
  'payflow.payment.refund.v1': Pick<PaymentRefund, OperationFields>;
  'payflow.account.open.v1': Pick<AccountOpen, 'id'>;
  'payflow.account.update.v1': Pick<AccountUpdate, 'id'>;
  'payflow.asset.define.v1': Pick<AssetDefine, 'id'>;
  'payflow.group.post.v1': Pick<GroupPost, 'id' | 'legs' | 'payment'>;
  'payflow.conversion.post.v1': Pick<ConversionPost, 'id' | 'source'>;
  'payflow.transfer.reverse.v1': Pick<TransferReverse, 'id' | 'debit_account'>;
  'payflow.transfer.correct.v1': Pick<TransferCorrect, 'id' | 'debit_account'>;
  'payflow.transfer.update.v1': Pick<TransferUpdate, 'id' | 'debit_account'>;
  'payflow.hold.place.v1': Pick<HoldPlace, 'id' | 'payment' | 'debit_account'>;
  'payflow.hold.post.v1': Pick<HoldPost, 'id' | 'hold' | 'debit_account'>;
  'payflow.hold.void.v1': Pick<HoldVoid, 'id' | 'debit_account'>;
  'payflow.transfer.post.v1': Omit<TransferPost, 'valid_until'>;
  'payflow.period.close.v1': PeriodClose;
  'payflow.transaction_type.define.v1': Pick<TransactionTypeDefine, 'id'>;
  'payflow.limit.define.v1': Pick<LimitDefine, 'id'>;
  'payflow.limit.delete.v1': Pick<LimitDelete, 'id'>;
  'payflow.risk_rule.define.v1': Pick<RiskRuleDefine, 'id'>;
  'payflow.risk_rule.delete.v1': Pick<RiskRuleDelete, 'id'>;
  'payflow.review.decide.v1': Pick<ReviewDecide, 'id' | 'payment'>;
}

export type RefusableType = keyof RefusableData;

export interface MessageSpec<D = never> {
  readonly topic: Topic;
  readonly summary: string;
  /** Largest size of the data as JSON, where it is not the 64 KiB of an ordinary message. */
  readonly valueBytes_max?: number;
  readonly schema: object;
  /** The record key of a message with this data. */
  readonly key: (data: D) => string;
  /** The fields of {@link RefusableData}; those that may be absent may be so here. */
  readonly refusable?: readonly string[];
}

/** Topic, meaning and JSON Schema of every message type. Producers are held to the closed schema, readers are tolerant. */
export const MESSAGES: { readonly [T in MessageType]: MessageSpec<MessageData[T]> } = {
  ...paymentSchemas,
  ...operationSchemas,
  ...disputeSchemas,
  ...accountSchemas,
  ...overdraftSchemas,
  ...assetSchemas,
  ...transferSchemas,
  ...groupSchemas,
  ...conversionSchemas,
  ...correctionSchemas,
  ...transferUpdateSchemas,
  ...holdSchemas,
  ...sealSchemas,
  ...periodSchemas,
  ...transactionTypeSchemas,
  ...limitSchemas,
  ...riskRuleSchemas,
  ...reviewSchemas,
  ...testClockSchemas,
  ...accessSchemas,
};

/** The CloudEvents context of one message, with its data. Times are RFC 3339 UTC; ids are TypeIDs. */
export interface Message<T extends MessageType = MessageType> {
  readonly id: string;
  readonly type: T;
  /** The aggregate's id: a payment, an account or a transfer. */
  readonly subject: string;
  readonly tenant: string;
  readonly livemode: boolean;
  /** The record key. */
  readonly key: string;
  /** +1 per published change of the aggregate; on a command, 0. */
  readonly aggregateVersion: number;
  /** Id of the message that caused this one, or of the HTTP request's command itself. */
  readonly causationId: string;
  /** Id shared by everything that one request set off. */
  readonly correlationId: string;
  readonly actor: string;
  readonly time: string;
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly data: MessageData[T];
}

/** A message of any of the types, discriminated by `type`. */
export type AnyMessage<T extends MessageType = MessageType> = { [K in T]: Message<K> }[T];

/** A command that cannot be decoded, as far as it can be refused: who asked, for what, and the data that its refusal repeats. */
export type Refusable<T extends RefusableType = RefusableType> = {
  [K in T]: Omit<Message<K>, 'data'> & { readonly data: RefusableData[K] };
}[T];

export function isMessageType(type: string): type is MessageType {
  return Object.hasOwn(MESSAGES, type);
}
