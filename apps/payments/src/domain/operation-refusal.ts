import type { Refusal } from '@payflow/contracts';
import { isRefundDisputed } from './disputed-refund.js';
import type { Operation, Terms } from './life.js';
import type { Payment } from './payment.js';

/** The largest number that a sum in the database can hold. */
const AMOUNT_MAX = 9_223_372_036_854_775_807n;

type Asked = Pick<Operation, 'kind' | 'amount'> & Partial<Pick<Operation, 'final'>>;

/** Why the operation cannot begin on the payment as it stands, in a fixed order of precedence; undefined when it can. */
export function refusalOf(asked: Asked, payment: Payment, terms: Terms, now: string): Refusal | undefined {
  switch (asked.kind) {
    case 'authorization':
      return payment.status === 'processing' ? undefined : 'payment_not_confirmable';
    case 'confirmation':
      return isConfirmable(asked, payment, now) ? undefined : 'payment_not_confirmable';
    case 'increment':
      return refusalOfIncrement(asked, payment, now);
    case 'capture':
      return refusalOfCapture(asked, payment, terms, now);
    case 'cancellation':
      return isCancelable(payment) ? undefined : 'payment_not_cancelable';
    case 'expiry':
      return isOverdue(payment, now) ? undefined : 'payment_not_cancelable';
    case 'refund':
      return refusalOfRefund(asked, payment);
    default:
      return asked.kind satisfies never;
  }
}

/** True when its time is over and nothing but its expiry can move it. */
export function isOverdue({ status, expiresAt, authorizedUntil }: Payment, now: string): boolean {
  if (status === 'requires_action') return expiresAt <= now;
  return (status === 'authorized' || status === 'partially_captured') && isPast(authorizedUntil, now);
}

/** How much can still be captured without more being set aside. */
export function leftToCapture({ authorized, captured }: Payment): bigint {
  return authorized - captured;
}

/** How much can still be given back: not what is disputed, which the cardholder's bank has taken already. */
export function leftToRefund({ captured, refunded, refunding, disputed }: Payment): bigint {
  const left = captured - refunded - refunding - disputed;
  return left > 0n ? left : 0n;
}

function isConfirmable({ final }: Asked, { status, expiresAt, nextAction, capture }: Payment, now: string): boolean {
  if (status !== 'requires_action' || now >= expiresAt) return false;
  // Its sale is with the provider, and takes the money when the customer acts: it cannot be set aside alone any more.
  return final !== false || nextAction?.type !== 'redirect' || capture !== 'automatic';
}

function refusalOfIncrement({ amount }: Asked, payment: Payment, now: string): Refusal | undefined {
  if (payment.status !== 'authorized' || isPast(payment.authorizedUntil, now)) return 'payment_not_incrementable';
  if (amount === null || amount <= 0n) return 'amount_not_positive';
  return payment.authorized + amount > AMOUNT_MAX ? 'balance_overflow' : undefined;
}

function refusalOfCapture({ amount }: Asked, payment: Payment, terms: Terms, now: string): Refusal | undefined {
  const isReady = payment.status === 'authorized' || payment.status === 'partially_captured';
  if (!isReady || isPast(payment.authorizedUntil, now)) return 'payment_not_capturable';
  if (amount === null) return undefined;
  if (amount <= 0n) return 'amount_not_positive';
  const tolerance = (payment.authorized * BigInt(terms.overcapture_percent)) / 100n;
  if (amount > leftToCapture(payment) + tolerance) return 'capture_exceeds_authorized';
  return payment.captured + amount > AMOUNT_MAX ? 'balance_overflow' : undefined;
}

function isCancelable({ status }: Payment): boolean {
  return status === 'requires_action' || status === 'authorized' || status === 'partially_captured';
}

function refusalOfRefund({ amount }: Asked, payment: Payment): Refusal | undefined {
  if (payment.captured === 0n) return 'payment_not_refundable';
  if (amount !== null && amount <= 0n) return 'amount_not_positive';
  const left = leftToRefund(payment);
  if (left > 0n && (amount === null || amount <= left)) return undefined;
  return isRefundDisputed(payment, amount ?? 1n) ? 'payment_disputed' : 'refund_exceeds_captured';
}

function isPast(instant: string | null, now: string): boolean {
  return instant !== null && instant <= now;
}
