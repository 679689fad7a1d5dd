import { newId } from '@payflow/contracts';
import { describe, expect, it } from 'vitest';
import type { Kind, Terms } from './life.js';
import { isOverdue, refusalOf } from './operation-refusal.js';
import { processingPayment, type Payment } from './payment.js';

const NOW = '2026-11-21T12:00:00.000Z';
const PAST = '2026-11-21T12:00:00.000Z';
const LATER = '2026-11-21T12:00:00.001Z';
const TERMS: Terms = { overcapture_percent: 15, authorizationValid_ms: 1, multipleCaptures: true };

const processing = processingPayment(
  { tenant: newId('tenant'), livemode: false },
  {
    id: newId('payment'),
    source: newId('account'),
    destination: newId('account'),
    amount: '100',
    asset: 'USD',
    method: { type: 'internal' },
    reference: null,
    metadata: {},
    created_at: PAST,
    expires_at: LATER,
  },
  null,
);
const waiting: Payment = { ...processing, status: 'requires_action' };
const authorized: Payment = { ...processing, status: 'authorized', authorized: 100n, authorizedUntil: LATER };
const partly: Payment = { ...authorized, status: 'partially_captured', captured: 60n };
const captured: Payment = { ...processing, status: 'succeeded', authorized: 100n, captured: 100n };
const failed: Payment = { ...processing, status: 'failed', failureCode: 'insufficient_funds' };
const canceled: Payment = { ...processing, status: 'canceled' };
const late = (payment: Payment): Payment => ({ ...payment, authorizedUntil: PAST, expiresAt: PAST });

describe('an operation is refused, the first reason first', () => {
  it.each<[string, Kind, bigint | null, string, Payment, string | undefined]>([
    ['', 'confirmation', null, 'one that waits', waiting, undefined],
    ['', 'confirmation', null, 'one that waits, too late', late(waiting), 'payment_not_confirmable'],
    ['', 'confirmation', null, 'one under way', processing, 'payment_not_confirmable'],
    ['of 0', 'increment', 0n, 'one that was captured in part', partly, 'payment_not_incrementable'],
    ['of 0', 'increment', 0n, 'one whose time is over', late(authorized), 'payment_not_incrementable'],
    ['of 0', 'increment', 0n, 'an authorized one', authorized, 'amount_not_positive'],
    ['past all numbers', 'increment', 9_223_372_036_854_775_807n, 'an authorized one', authorized, 'balance_overflow'],
    ['of 1', 'increment', 1n, 'an authorized one', authorized, undefined],
    ['of 0', 'capture', 0n, 'one that waits', waiting, 'payment_not_capturable'],
    ['of 0', 'capture', 0n, 'one whose time is over', late(authorized), 'payment_not_capturable'],
    ['of 0', 'capture', 0n, 'an authorized one', authorized, 'amount_not_positive'],
    ['past the tolerance', 'capture', 116n, 'an authorized one', authorized, 'capture_exceeds_authorized'],
    ['at the tolerance', 'capture', 115n, 'an authorized one', authorized, undefined],
    ['of the rest', 'capture', null, 'one that was captured in part', partly, undefined],
    ['past the rest and the tolerance', 'capture', 56n, 'one captured in part', partly, 'capture_exceeds_authorized'],
    ['of all', 'capture', null, 'one that was captured', captured, 'payment_not_capturable'],
    ['', 'cancellation', null, 'one that waits', waiting, undefined],
    ['', 'cancellation', null, 'an authorized one, too late', late(authorized), undefined],
    ['', 'cancellation', null, 'one that was captured', captured, 'payment_not_cancelable'],
    ['', 'cancellation', null, 'one that failed', failed, 'payment_not_cancelable'],
    ['of 0', 'refund', 0n, 'an authorized one', authorized, 'payment_not_refundable'],
    ['of 0', 'refund', 0n, 'one that was captured', captured, 'amount_not_positive'],
    ['of too much', 'refund', 101n, 'one that was captured', captured, 'refund_exceeds_captured'],
    [
      'of what is asked for',
      'refund',
      41n,
      'one with a refund',
      { ...captured, refunding: 60n },
      'refund_exceeds_captured',
    ],
    ['of the rest', 'refund', 40n, 'one with a refund', { ...captured, refunding: 60n }, undefined],
    ['of what is not disputed', 'refund', 60n, 'one that is disputed', { ...captured, disputed: 40n }, undefined],
    ['of more', 'refund', 61n, 'one that is disputed', { ...captured, disputed: 40n }, 'payment_disputed'],
    ['of too much', 'refund', 101n, 'one that is disputed', { ...captured, disputed: 40n }, 'refund_exceeds_captured'],
    ['of all', 'refund', null, 'one that is disputed whole', { ...captured, disputed: 100n }, 'payment_disputed'],
    ['of all', 'refund', null, 'one that was given back', { ...captured, refunded: 100n }, 'refund_exceeds_captured'],
    ['of a part', 'refund', 60n, 'one that was captured in part', partly, undefined],
    ['', 'refund', null, 'one that was canceled', canceled, 'payment_not_refundable'],
  ])('%s %s of %s on %s', (_, kind, amount, __, payment, refusal) => {
    expect(refusalOf({ kind, amount }, payment, TERMS, NOW)).toBe(refusal);
  });

  it('a confirmation that only sets aside is one while the payment has not begun as a sale', () => {
    const asked = { kind: 'confirmation', amount: null, final: false } as const;
    const redirect = { type: 'redirect', url: 'https://acquirer.example/act' } as const;
    const refusals = [
      { ...waiting, nextAction: { type: 'confirm' } as const },
      { ...waiting, nextAction: redirect, capture: 'manual' as const },
      { ...waiting, nextAction: redirect },
    ].map((payment) => refusalOf(asked, payment, TERMS, NOW));
    expect(refusals).toEqual([undefined, undefined, 'payment_not_confirmable']);
    expect(refusalOf({ ...asked, final: true }, { ...waiting, nextAction: redirect }, TERMS, NOW)).toBeUndefined();
  });

  it('is over when its time is, and nothing has ended it', () => {
    expect([waiting, authorized, partly].map((payment) => isOverdue(payment, NOW))).toEqual([false, false, false]);
    expect([waiting, authorized, partly].map((payment) => isOverdue(late(payment), NOW))).toEqual([true, true, true]);
    expect([processing, captured, failed, canceled].some((payment) => isOverdue(late(payment), NOW))).toBe(false);
  });
});
