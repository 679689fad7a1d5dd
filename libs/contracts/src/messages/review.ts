import type { MessageSpec } from '../messages.js';
import { method } from './payment.js';
import type { PaymentMethod } from './payment.js';
import { amount, assetCode, id, instant, nullable, object, reason, version } from './schema.js';

/** `open` until somebody decides, or until the payment's own time is over. */
export const REVIEW_STATUSES = ['open', 'approved', 'denied', 'expired'] as const;
export type ReviewStatus = (typeof REVIEW_STATUSES)[number];

export const REVIEW_DECISIONS = ['approve', 'deny'] as const;
export type ReviewDecision = (typeof REVIEW_DECISIONS)[number];

export const REVIEW_REASON_LENGTH_MAX = 500;

/** `payflow.review.opened.v1`, `payflow.review.decided.v1`: a payment that waits for a human, or waited. */
export interface ReviewState {
  /** Has the payment's UUID: a payment is reviewed once. */
  readonly id: string;
  readonly payment: string;
  readonly status: ReviewStatus;
  /** The rule that asked for it, in its words. */
  readonly rule: string;
  readonly reason: string;
  readonly amount: string;
  readonly asset: string;
  readonly source: string;
  readonly destination: string;
  readonly method: PaymentMethod;
  readonly customer: string | null;
  readonly opened_at: string;
  /** The payment's: past it nobody can approve. */
  readonly expires_at: string;
  readonly decided_at: string | null;
  /** Who decided, and why, in their words. */
  readonly decided_by: string | null;
  readonly decision_reason: string | null;
  readonly version: number;
}

/** `payflow.review.decide.v1` */
export interface ReviewDecide {
  readonly id: string;
  readonly payment: string;
  /** `expire` is our own: its payment's time is over. */
  readonly decision: ReviewDecision | 'expire';
  readonly reason: string;
  /** The version of the review that it is for; absent: any. */
  readonly if_version?: number;
}

/** `payflow.review.rejected.v1`: the review stays as it was. */
export interface ReviewRejected {
  readonly id: string;
  readonly payment: string;
  readonly reason: string;
  readonly recorded_at: string;
}

const words = { type: 'string', minLength: 1, maxLength: REVIEW_REASON_LENGTH_MAX };
const state = object({
  id: id('review'),
  payment: id('payment'),
  status: { enum: [...REVIEW_STATUSES] },
  rule: id('riskRule'),
  reason,
  amount,
  asset: assetCode,
  source: id('account'),
  destination: id('account'),
  method,
  customer: nullable(id('customer')),
  opened_at: instant,
  expires_at: instant,
  decided_at: nullable(instant),
  decided_by: nullable({ type: 'string', minLength: 1, maxLength: 255 }),
  decision_reason: nullable(words),
  version,
});
// A review lies within one partition with its payment: it is decided after it was opened, and before the payment goes on.
const key = (data: { readonly payment: string }): string => data.payment;

export const reviewSchemas = {
  'payflow.review.decide.v1': {
    topic: 'payments.commands.v1',
    key,
    summary: 'Let a payment that is under review go on, or end it.',
    schema: object(
      {
        id: id('review'),
        payment: id('payment'),
        decision: { enum: [...REVIEW_DECISIONS, 'expire'] },
        reason: words,
      },
      { if_version: version },
    ),
    refusable: ['id', 'payment'],
  },
  'payflow.review.opened.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'The payment waits until somebody has looked at it.',
    schema: state,
  },
  'payflow.review.decided.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'The payment was approved and goes on, or was denied, or its time ran out.',
    schema: state,
  },
  'payflow.review.rejected.v1': {
    topic: 'payments.events.v1',
    key,
    summary: 'The review stays as it was, for the reason given.',
    schema: object({ id: id('review'), payment: id('payment'), reason, recorded_at: instant }),
  },
} as const satisfies Record<string, MessageSpec>;
