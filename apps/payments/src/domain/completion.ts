import type { AccountSnapshot } from '@payflow/contracts';
import { moved, type Life, type Moment, type Operation } from './life.js';
import type { Payment } from './payment.js';

/** What the payment has become when an operation is complete: its sums, and the state that follows from them. */

type Accounts = readonly AccountSnapshot[];

export function endAuthorization(life: Life, accounts: Accounts, moment: Moment): Life {
  const { payment } = life;
  const authorized = BigInt(payment.amount);
  if (payment.capture === 'automatic') {
    const change = { authorized, captured: authorized, nextAction: null };
    return moved(life, 'succeeded', change, { reason: 'captured', accounts }, moment);
  }
  const change = { authorized, authorizedUntil: goodUntil(payment, moment), nextAction: null };
  return moved(life, 'authorized', change, { reason: 'authorized', accounts }, moment);
}

/** Until when its provider keeps the money aside: noted before, where something else was at work when that was heard. */
export function goodUntil({ authorizedUntil, connector }: Payment, { later, termsOf, authorizedAt }: Moment): string {
  return authorizedUntil ?? later(termsOf(connector).authorizationValid_ms, authorizedAt);
}

export function endIncrement(life: Life, { amount }: Operation, accounts: Accounts, moment: Moment): Life {
  const change = { authorized: life.payment.authorized + (amount as bigint) };
  return moved(life, 'authorized', change, { reason: 'increment_succeeded', accounts }, moment);
}

/** `isLast`: what is left has been given back, and nothing more is set aside than was taken. */
export function endCapture(
  life: Life,
  { amount }: Operation,
  isLast: boolean,
  accounts: Accounts,
  moment: Moment,
): Life {
  const captured = life.payment.captured + (amount as bigint);
  const why = { reason: 'capture_succeeded', accounts };
  if (!isLast) return moved(life, 'partially_captured', { captured }, why, moment);
  return moved(life, 'succeeded', { captured, authorized: captured, authorizedUntil: null }, why, moment);
}

/** Nothing is set aside any more. What was captured before stays so, and the payment has succeeded by that much. */
export function endCancellation(life: Life, kind: 'cancellation' | 'expiry', accounts: Accounts, moment: Moment): Life {
  const { captured } = life.payment;
  const change = { authorized: captured, authorizedUntil: null, nextAction: null };
  const state = kind === 'expiry' ? 'expired' : 'canceled';
  const why = { reason: kind === 'expiry' ? 'expired' : 'cancellation_succeeded', accounts };
  return moved(life, captured > 0n ? 'succeeded' : state, change, why, moment);
}

export function endRefund(life: Life, { amount }: Operation, accounts: Accounts, moment: Moment): Life {
  const { status, refunded, refunding } = life.payment;
  const change = { refunded: refunded + (amount as bigint), refunding: refunding - (amount as bigint) };
  return moved(life, status, change, { reason: 'refund_succeeded', accounts }, moment);
}
