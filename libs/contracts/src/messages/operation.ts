import type { IdKind } from '../ids.js';
import type { MessageSpec } from '../messages.js';
import { PAYMENT_EVENT_BYTES_MAX, paymentSnapshot, type Failure, type PaymentSnapshot } from './payment.js';
import { amount, id, instant, metadata, nullable, object, reason, version } from './schema.js';

/** What a client can ask of a payment that is there, with the kind of the id that each such wish has. */
export const OPERATION_KINDS = {
  confirmation: 'confirmation',
  increment: 'increment',
  capture: 'capture',
  cancellation: 'cancellation',
  refund: 'refund',
} as const satisfies Record<string, IdKind>;
export type OperationKind = keyof typeof OPERATION_KINDS;

interface OperationCommand {
  /** The payment. */
  readonly id: string;
  readonly sequence: number;
  /** The operation's own id. */
  readonly operation: string;
  readonly created_at: string;
  /** The version that the payment must still have. */
  readonly if_version?: number;
}

/** `payflow.payment.confirm.v1`: begin, or go on after the customer has acted. */
export interface PaymentConfirm extends OperationCommand {
  /** Only set the money aside, although it was to be captured at once. */
  readonly capture: 'manual' | null;
}

/** `payflow.payment.increment.v1`: set more money aside. */
export interface PaymentIncrement extends OperationCommand {
  readonly amount: string;
}

/** `payflow.payment.capture.v1` */
export interface PaymentCapture extends OperationCommand {
  /** Null takes all that is left. */
  readonly amount: string | null;
  /** Gives back what is left after it. Always so where the payment is captured once. */
  readonly final: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

/** `payflow.payment.cancel.v1`: take nothing more, and give back what is set aside. */
export interface PaymentCancel extends OperationCommand {
  readonly reason: string | null;
}

/** `payflow.payment.refund.v1` */
export interface PaymentRefund extends OperationCommand {
  /** Null gives back all that is left of what was captured. */
  readonly amount: string | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
}

/** How an operation ended, with the payment as it left it: `payflow.<kind>.succeeded.v1`, `payflow.<kind>.failed.v1`. */
export interface OperationEnded {
  readonly id: string;
  readonly kind: OperationKind;
  readonly status: 'succeeded' | 'failed';
  /** What was captured, refunded or added; null where the operation has no amount of its own. */
  readonly amount: string | null;
  readonly failure: Failure | null;
  readonly reason: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Id of the command that asked for it. */
  readonly command: string;
  readonly payment: PaymentSnapshot;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
}

/** What a provider's word comes to. `not_sent`: it was never asked, and no other could be. */
export const PROVIDER_OUTCOMES = ['approved', 'declined', 'requires_action', 'not_sent'] as const;
export type ProviderOutcome = (typeof PROVIDER_OUTCOMES)[number];

/** `payflow.payment.answer.v1`: what a provider said to one attempt; sent by our own worker once it is known for certain. */
export interface PaymentAnswer {
  readonly id: string;
  /** The attempt that was handed out, whichever provider answered in the end. */
  readonly attempt: string;
  readonly outcome: ProviderOutcome;
  /** Why it was declined, in the words of the refusals. */
  readonly code: string | null;
  readonly connector: string | null;
  /** The provider's own id of what it did. */
  readonly provider_reference: string | null;
  /** Where the customer has to go, if they have to act. */
  readonly url: string | null;
  /** Of an authorization that was approved: its provider has set the money aside by then, and counts its time from no earlier. */
  readonly authorized_at?: string;
}

/** `payflow.payment.expire.v1`: the sweeper found that its time is over. */
export interface PaymentExpire {
  readonly id: string;
}

/** What a provider tells unasked. */
export const NOTICE_KINDS = [
  'attempt_approved',
  'attempt_declined',
  'dispute_opened',
  'dispute_won',
  'dispute_lost',
] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];

/** `payflow.payment.notice.v1`: a provider's webhook, its signature checked and its number seen for the first time. */
export interface PaymentNotice {
  readonly id: string;
  readonly connector: string;
  /** The provider's number of the webhook. */
  readonly notice: string;
  readonly kind: NoticeKind;
  /** Our key of the attempt that it is about, if it is about one. */
  readonly attempt: string | null;
  /** The provider's id of what it is about: the authorization, or the dispute. */
  readonly provider_reference: string | null;
  readonly code: string | null;
  readonly amount: string | null;
  /** What the amount is of; absent where the provider does not say. */
  readonly asset?: string;
  readonly occurred_at: string;
  /** Until when a dispute can be answered; absent where the provider names no time. */
  readonly evidence_due_by?: string;
}

const command = (kind: OperationKind) => ({
  id: id('payment'),
  sequence: { type: 'integer', minimum: 2 },
  operation: id(OPERATION_KINDS[kind]),
  created_at: instant,
});

const condition = { if_version: version };

const asked = <D extends { readonly id: string }>(summary: string, schema: object) =>
  ({ topic: 'payments.commands.v1', key: (data: D) => data.id, summary, schema }) as const;

/** What its refusal repeats. */
const REFUSABLE = ['id', 'sequence', 'operation', 'created_at'];

const wish = <D extends { readonly id: string }>(summary: string, schema: object) =>
  ({ ...asked<D>(summary, schema), refusable: REFUSABLE }) as const;

const why = nullable({ type: 'string', minLength: 1, maxLength: 255 });
const word = nullable({ type: 'string', minLength: 1, maxLength: 255 });

const ended = (kind: OperationKind, summary: string) =>
  ({
    topic: 'payments.events.v1',
    key: (data: OperationEnded) => data.payment.id,
    summary,
    valueBytes_max: PAYMENT_EVENT_BYTES_MAX,
    schema: object({
      id: id(OPERATION_KINDS[kind]),
      kind: { const: kind },
      status: { enum: ['succeeded', 'failed'] },
      amount: nullable(amount),
      failure: nullable(object({ code: reason })),
      reason: why,
      metadata,
      command: id('event'),
      payment: paymentSnapshot,
      version,
      created_at: instant,
      updated_at: instant,
    }),
  }) as const;

export const paymentAnswer = object(
  {
    id: id('payment'),
    attempt: id('attempt'),
    outcome: { enum: PROVIDER_OUTCOMES },
    code: nullable(reason),
    connector: word,
    provider_reference: word,
    url: nullable({ type: 'string', maxLength: 2_000, pattern: '^https?://' }),
  },
  { authorized_at: instant },
);

export const operationSchemas = {
  'payflow.payment.confirm.v1': wish<PaymentConfirm>(
    'Begin a payment, or go on with it after the customer has acted.',
    object({ ...command('confirmation'), capture: nullable({ const: 'manual' }) }, condition),
  ),
  'payflow.payment.increment.v1': wish<PaymentIncrement>(
    'Set more money aside for a payment.',
    object({ ...command('increment'), amount }, condition),
  ),
  'payflow.payment.capture.v1': wish<PaymentCapture>(
    'Take money that is set aside.',
    object({ ...command('capture'), amount: nullable(amount), final: { type: 'boolean' }, metadata }, condition),
  ),
  'payflow.payment.cancel.v1': wish<PaymentCancel>(
    'Call a payment off, and give back what is set aside.',
    object({ ...command('cancellation'), reason: why }, condition),
  ),
  'payflow.payment.refund.v1': wish<PaymentRefund>(
    'Give back money that was captured.',
    object({ ...command('refund'), amount: nullable(amount), reason: why, metadata }, condition),
  ),
  'payflow.payment.answer.v1': asked<PaymentAnswer>(
    'A provider has answered an attempt, or was never asked.',
    paymentAnswer,
  ),
  'payflow.payment.expire.v1': asked<PaymentExpire>('The payment ran out of time.', object({ id: id('payment') })),
  'payflow.payment.notice.v1': asked<PaymentNotice>(
    'A provider told something unasked.',
    object(
      {
        id: id('payment'),
        connector: { type: 'string', pattern: '^[a-z][a-z0-9_]{1,31}$' },
        notice: { type: 'string', minLength: 1, maxLength: 255 },
        kind: { enum: NOTICE_KINDS },
        attempt: nullable(id('attempt')),
        provider_reference: word,
        code: nullable(reason),
        amount: nullable(amount),
        occurred_at: instant,
      },
      { asset: { type: 'string', pattern: '^[A-Z0-9]{1,12}$' }, evidence_due_by: instant },
    ),
  ),
  'payflow.confirmation.succeeded.v1': ended('confirmation', 'The payment was confirmed.'),
  'payflow.confirmation.failed.v1': ended('confirmation', 'The payment could not be confirmed.'),
  'payflow.increment.succeeded.v1': ended('increment', 'More money is set aside.'),
  'payflow.increment.failed.v1': ended('increment', 'No more money could be set aside.'),
  'payflow.capture.succeeded.v1': ended('capture', 'The money was taken and is booked.'),
  'payflow.capture.failed.v1': ended('capture', 'No money was taken.'),
  'payflow.cancellation.succeeded.v1': ended('cancellation', 'The payment is called off.'),
  'payflow.cancellation.failed.v1': ended('cancellation', 'The payment could not be called off.'),
  'payflow.refund.succeeded.v1': ended('refund', 'The money was given back and is booked.'),
  'payflow.refund.failed.v1': ended('refund', 'No money was given back.'),
} as const satisfies Record<string, MessageSpec>;
