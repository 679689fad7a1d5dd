import type { MessageSpec } from '../messages.js';
import { accountSnapshot, type AccountSnapshot } from './account.js';
import { paymentAnswer, type PaymentAnswer } from './operation.js';
import { amount, assetCode, id, instant, nullable, object, reason, version } from './schema.js';

/** `needs_response` and `under_review` are on the way; `won` and `lost` are final and never left. */
export const DISPUTE_STATUSES = ['needs_response', 'under_review', 'won', 'lost'] as const;
export type DisputeStatus = (typeof DISPUTE_STATUSES)[number];

/**
 * Where the disputed money is: `taking` (the ledger is asked to take it from the destination), `taken`, `refused` (it could not be
 * taken, and is asked for again), `returning`, `returned`, `return_refused` (likewise), `waived` (won before it could be taken). It comes back where
 * the dispute is won, and where nothing was captured of its payment.
 */
export const DISPUTE_LEGS = [
  'taking',
  'taken',
  'refused',
  'returning',
  'returned',
  'return_refused',
  'waived',
] as const;
export type DisputeLeg = (typeof DISPUTE_LEGS)[number];

/** What a client says against a dispute, each part in plain text. */
export type DisputeEvidence = Readonly<Record<string, string>>;

/** `payflow.dispute.submit_evidence.v1` */
export interface DisputeSubmitEvidence {
  /** The payment. */
  readonly id: string;
  readonly dispute: string;
  readonly evidence: DisputeEvidence;
  readonly created_at: string;
  /** The version of the dispute that it is for; absent: any. */
  readonly if_version?: number;
}

/** `payflow.dispute.sweep.v1`: the sweeper found that its money is not where it should be. */
export interface DisputeSweep {
  /** The payment. */
  readonly id: string;
  readonly dispute: string;
}

/** `payflow.dispute.answer.v1`: what a provider said to evidence; sent by our own worker once it is known for certain. */
export type DisputeAnswer = PaymentAnswer;

/** A dispute's full state at one version, with the accounts that its last movement touched. */
export interface DisputeSnapshot {
  readonly id: string;
  readonly payment: string;
  readonly connector: string;
  /** The provider's id of it. */
  readonly provider_reference: string;
  readonly status: DisputeStatus;
  readonly leg: DisputeLeg;
  /** Why the ledger refused to move the money; null where it did not. */
  readonly leg_reason: string | null;
  readonly amount: string;
  /** What of it the payment cannot give back: all, or nothing once it is won. */
  readonly amount_disputed: string;
  readonly asset: string;
  /** The provider's reason. */
  readonly reason: string | null;
  /** Who gets the money back when it is won, and from whom it was taken: the payment's source and destination. */
  readonly source: string;
  readonly destination: string;
  readonly evidence_due_by: string | null;
  readonly evidence_submitted_at: string | null;
  /** The transfers that took the money and gave it back, as far as they are booked. */
  readonly transfer: string | null;
  readonly return_transfer: string | null;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
  readonly accounts: readonly AccountSnapshot[];
}

/** `payflow.dispute.evidence_submitted.v1`, with the command that asked for it. */
export interface DisputeEvidenceSubmitted extends DisputeSnapshot {
  readonly command: string;
}

/** `payflow.dispute.evidence_rejected.v1`: the dispute stays as it is. */
export interface DisputeEvidenceRejected {
  readonly id: string;
  readonly payment: string;
  readonly command: string;
  readonly reason: string;
}

/** Parts of the evidence, and characters in each: all of them fit into one command. */
export const EVIDENCE_PARTS_MAX = 20;
export const EVIDENCE_LENGTH_MAX = 2_000;

const word = { type: 'string', minLength: 1, maxLength: 255 };

export const evidence = {
  type: 'object',
  minProperties: 1,
  maxProperties: EVIDENCE_PARTS_MAX,
  propertyNames: { type: 'string', pattern: '^[a-z][a-z0-9_]{0,63}$' },
  additionalProperties: { type: 'string', minLength: 1, maxLength: EVIDENCE_LENGTH_MAX },
};

const state = {
  id: id('dispute'),
  payment: id('payment'),
  connector: { type: 'string', pattern: '^[a-z][a-z0-9_]{1,31}$' },
  provider_reference: word,
  status: { enum: DISPUTE_STATUSES },
  leg: { enum: DISPUTE_LEGS },
  leg_reason: nullable(reason),
  amount,
  amount_disputed: amount,
  asset: assetCode,
  reason: nullable(reason),
  source: id('account'),
  destination: id('account'),
  evidence_due_by: nullable(instant),
  evidence_submitted_at: nullable(instant),
  transfer: nullable(id('transfer')),
  return_transfer: nullable(id('transfer')),
  version,
  created_at: instant,
  updated_at: instant,
  accounts: { type: 'array', items: accountSnapshot, maxItems: 2 },
};

const asked = <D extends { readonly id: string }>(summary: string, schema: object) =>
  ({ topic: 'payments.commands.v1', key: (data: D) => data.id, summary, schema }) as const;

const told = (summary: string, more: Record<string, object> = {}) =>
  ({
    topic: 'payments.events.v1',
    key: (data: { readonly payment: string }) => data.payment,
    summary,
    schema: object({ ...state, ...more }),
  }) as const;

export const disputeSchemas = {
  'payflow.dispute.submit_evidence.v1': asked<DisputeSubmitEvidence>(
    'Give the provider what the client says against a dispute.',
    object({ id: id('payment'), dispute: id('dispute'), evidence, created_at: instant }, { if_version: version }),
  ),
  'payflow.dispute.sweep.v1': asked<DisputeSweep>(
    'The money of a dispute is not where it should be: ask the ledger again.',
    object({ id: id('payment'), dispute: id('dispute') }),
  ),
  'payflow.dispute.answer.v1': asked<DisputeAnswer>(
    'A provider has answered evidence, or was never given it.',
    paymentAnswer,
  ),
  'payflow.dispute.opened.v1': told('A cardholder disputes a payment; the ledger is asked to take the money back.'),
  'payflow.dispute.updated.v1': told('The money of a dispute moved, or could not be moved; its status did not change.'),
  'payflow.dispute.evidence_submitted.v1': told('The provider has the evidence and reviews the dispute.', {
    command: id('event'),
  }),
  'payflow.dispute.evidence_rejected.v1': {
    topic: 'payments.events.v1',
    key: (data: DisputeEvidenceRejected) => data.payment,
    summary: 'The evidence was not given to the provider, or it did not take it.',
    schema: object({ id: id('dispute'), payment: id('payment'), command: id('event'), reason }),
  },
  'payflow.dispute.won.v1': told('The dispute was decided for us; the ledger is asked to give the money back.'),
  'payflow.dispute.lost.v1': told('The dispute was decided against us; what was taken stays taken.'),
} as const satisfies Record<string, MessageSpec>;
