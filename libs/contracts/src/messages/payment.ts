import type { MessageSpec } from '../messages.js';
import { accountSnapshot, type AccountSnapshot } from './account.js';
import { breakdown, type BreakdownPart } from './breakdown.js';
import { amount, assetCode, id, instant, metadata, nullable, object, reason, version } from './schema.js';
import { typeName } from './transaction-type.js';

/**
 * An event tells of up to two things that a client described in a command each, both of 60,000 bytes at most: the payment and
 * what was asked of it. The twenty accounts take another ten thousand.
 */
export const PAYMENT_EVENT_BYTES_MAX = 196_608;

/**
 * `pending` (durable, not yet tried), `requires_action`, `processing`, `authorized` and `partially_captured` are on the way;
 * the others are final and never left. Refunds and disputes do not move it.
 */
export const PAYMENT_STATUSES = [
  'pending',
  'requires_action',
  'processing',
  'authorized',
  'partially_captured',
  'succeeded',
  'failed',
  'canceled',
  'expired',
] as const;
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number];

/** When the money is taken: at once, once later and the rest given back, or several times later. */
export const CAPTURE_MODES = ['automatic', 'manual', 'manual_multiple'] as const;
export type CaptureMode = (typeof CAPTURE_MODES)[number];

/** From one account of the ledger to another. */
export interface InternalMethod {
  readonly type: 'internal';
}

/** A card, by the token that stands for it at the acquirers; never its number. */
export interface CardMethod {
  readonly type: 'card';
  readonly token: string;
  /** Lower case, as the client knows it: `visa`. Routing looks at it. */
  readonly brand?: string;
  /** Where it was issued, ISO 3166-1 alpha-2. */
  readonly country?: string;
}

export type PaymentMethod = InternalMethod | CardMethod;

/** What the customer has to do before the payment can go on. */
export interface NextAction {
  /** `confirm`: the client says when to begin. `redirect`: the customer proves who they are at the address. */
  readonly type: 'confirm' | 'redirect';
  readonly url?: string;
}

/** `payflow.payment.create.v1` */
export interface PaymentCreate {
  readonly id: string;
  /** Place of this command among those of its payment, from 1. */
  readonly sequence: number;
  /** The account that is debited; of a card payment, what the acquirers owe. */
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
  readonly method: PaymentMethod;
  readonly capture: CaptureMode;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  /** Fixed at acceptance: no money is taken for this payment after it. */
  readonly expires_at: string;
  /** Absent: it begins at once. */
  readonly confirm?: false;
  /** Whose payment it is, as the client names them: limits are per customer. */
  readonly customer?: string;
  /** The payment that failed, which this one tries again. */
  readonly retry_of?: string;
  /** Who else gets a part of what is captured. */
  readonly breakdown?: readonly BreakdownPart[];
  /** The transaction type whose template said so, and whose posting rule it keeps to. */
  readonly type?: string;
}

/** `payflow.payment.sweep.v1`: the sweeper found the payment waiting; send its ledger command again. */
export interface PaymentSweep {
  readonly id: string;
}

export interface Failure {
  readonly code: string;
  /** Which limit, or what the rule says: where the organisation itself refused. */
  readonly reason?: string;
}

/** A payment's full state at one version, with the accounts that its last movement touched. */
export interface PaymentSnapshot {
  readonly id: string;
  readonly status: PaymentStatus;
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
  readonly amount_captured: string;
  readonly amount_refunded: string;
  readonly method: PaymentMethod;
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly failure: Failure | null;
  readonly version: number;
  readonly created_at: string;
  readonly updated_at: string;
  /** Both accounts as the payment's transfer left them, so that a balance read after the answer is not older than it. */
  readonly accounts: readonly AccountSnapshot[];
  /** Absent on a payment that is captured at once; the same goes for all that follows. */
  readonly capture?: CaptureMode;
  /** How much is set aside or taken by now. Absent where it is what was captured. */
  readonly amount_authorized?: string;
  readonly next_action?: NextAction;
  /** Until when what is authorized can be captured. */
  readonly authorized_until?: string;
  readonly customer?: string;
  readonly retry_of?: string;
  readonly breakdown?: readonly BreakdownPart[];
  readonly type?: string;
}

export const method = {
  oneOf: [
    object({ type: { const: 'internal' } }),
    object(
      { type: { const: 'card' }, token: { type: 'string', pattern: '^[A-Za-z0-9_-]{1,100}$' } },
      {
        brand: { type: 'string', pattern: '^[a-z][a-z0-9_]{1,31}$' },
        country: { type: 'string', pattern: '^[A-Z]{2}$' },
      },
    ),
  ],
};
const reference = nullable({ type: 'string', minLength: 1, maxLength: 255 });

const facts = {
  id: id('payment'),
  source: id('account'),
  destination: id('account'),
  amount,
  asset: assetCode,
  method,
  reference,
  metadata,
  created_at: instant,
};

/** What both the command and the snapshot say only of some payments. */
const rare = { customer: id('customer'), retry_of: id('payment'), breakdown, type: typeName };

export const paymentSnapshot = object(
  {
    ...facts,
    status: { enum: PAYMENT_STATUSES.filter((status) => status !== 'pending') },
    amount_captured: amount,
    amount_refunded: amount,
    failure: nullable(object({ code: reason }, { reason })),
    version,
    updated_at: instant,
    accounts: { type: 'array', items: accountSnapshot, maxItems: 20 },
  },
  {
    ...rare,
    capture: { enum: CAPTURE_MODES },
    amount_authorized: amount,
    next_action: object(
      { type: { enum: ['confirm', 'redirect'] } },
      { url: { type: 'string', maxLength: 2_000, pattern: '^https?://' } },
    ),
    authorized_until: instant,
  },
);

const told = (summary: string) =>
  ({
    topic: 'payments.events.v1',
    key: (data: PaymentSnapshot) => data.id,
    summary,
    valueBytes_max: PAYMENT_EVENT_BYTES_MAX,
    schema: paymentSnapshot,
  }) as const;

export const paymentSchemas = {
  'payflow.payment.create.v1': {
    topic: 'payments.commands.v1',
    key: (data: PaymentCreate) => data.id,
    summary: 'Carry out a payment that the gateway has accepted.',
    schema: object(
      {
        ...facts,
        sequence: { type: 'integer', minimum: 1 },
        capture: { enum: CAPTURE_MODES },
        expires_at: instant,
      },
      { ...rare, confirm: { const: false } },
    ),
    refusable: [...Object.keys(facts), 'expires_at'],
  },
  'payflow.payment.sweep.v1': {
    topic: 'payments.commands.v1',
    key: (data: PaymentSweep) => data.id,
    summary: 'The payment has waited too long for the ledger: send its ledger command again.',
    schema: object({ id: id('payment') }),
  },
  'payflow.payment.succeeded.v1': told('The payment is complete: what was captured is booked.'),
  'payflow.payment.failed.v1': told('The payment was refused; no money moved.'),
  'payflow.payment.requires_action.v1': told('The payment goes on when somebody has done what `next_action` says.'),
  'payflow.payment.authorized.v1': told('The money is set aside, to be captured later.'),
  'payflow.payment.partially_captured.v1': told('A part of what is set aside was captured; more may follow.'),
  'payflow.payment.canceled.v1': told(
    'The payment was called off before money was captured; what was held is free again.',
  ),
  'payflow.payment.expired.v1': told('Its time ran out before money was captured; what was held is free again.'),
  'payflow.payment.updated.v1': told(
    'Its sums or its next action changed and its status did not: a refund, an increment, a customer who has to act elsewhere.',
  ),
} as const satisfies Record<string, MessageSpec>;
