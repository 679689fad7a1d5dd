import type { MessageSpec } from '../messages.js';
import { accountSnapshot, type AccountSnapshot } from './account.js';
import { amount, assetCode, id, instant, metadata, nullable, object, reason, version } from './schema.js';

/** `pending` and `processing` are on the way; the others are final and never left. */
export type PaymentStatus = 'pending' | 'processing' | 'succeeded' | 'failed';

/** How the money moves. `internal`: from one account of the ledger to another. */
export interface PaymentMethod {
  readonly type: 'internal';
}

/** `payflow.payment.create.v1` */
export interface PaymentCreate {
  readonly id: string;
  /** Place of this command among those of its payment, from 1. */
  readonly sequence: number;
  readonly source: string;
  readonly destination: string;
  readonly amount: string;
  readonly asset: string;
  readonly method: PaymentMethod;
  readonly capture: 'automatic';
  readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly created_at: string;
  /** Fixed at acceptance: no money is taken for this payment after it. */
  readonly expires_at: string;
}

/** `payflow.payment.sweep.v1`: the sweeper found the payment waiting; send its ledger command again. */
export interface PaymentSweep {
  readonly id: string;
}

export interface Failure {
  readonly code: string;
}

/** `payflow.payment.succeeded.v1` and `payflow.payment.failed.v1`: the payment's full and final state. */
export interface PaymentFinal {
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
}

const method = object({ type: { const: 'internal' } });
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

const final = object({
  ...facts,
  status: { enum: ['succeeded', 'failed'] },
  amount_captured: amount,
  amount_refunded: amount,
  failure: nullable(object({ code: reason })),
  version,
  updated_at: instant,
  accounts: { type: 'array', items: accountSnapshot, maxItems: 2 },
});

export const paymentSchemas = {
  'payflow.payment.create.v1': {
    topic: 'payments.commands.v1',
    key: (data: PaymentCreate) => data.id,
    summary: 'Carry out a payment that the gateway has accepted.',
    schema: object({
      ...facts,
      sequence: { type: 'integer', minimum: 1 },
      capture: { const: 'automatic' },
      expires_at: instant,
    }),
    refusable: [...Object.keys(facts), 'expires_at'],
  },
  'payflow.payment.sweep.v1': {
    topic: 'payments.commands.v1',
    key: (data: PaymentSweep) => data.id,
    summary: 'The payment has waited too long for the ledger: send its ledger command again.',
    schema: object({ id: id('payment') }),
  },
  'payflow.payment.succeeded.v1': {
    topic: 'payments.events.v1',
    key: (data: PaymentFinal) => data.id,
    summary: 'The payment is complete and its transfer booked.',
    schema: final,
  },
  'payflow.payment.failed.v1': {
    topic: 'payments.events.v1',
    key: (data: PaymentFinal) => data.id,
    summary: 'The payment was refused; no money moved.',
    schema: final,
  },
} as const satisfies Record<string, MessageSpec>;
