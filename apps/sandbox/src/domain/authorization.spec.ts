import { describe, expect, it } from 'vitest';
import {
  APPROVE,
  authorize,
  capture,
  completeAction,
  dispute,
  increment,
  kept,
  refund,
  reverseDispute,
  voidRest,
  type Authorization,
  type Decision,
  type Verdict,
} from './authorization.js';

const NOW = 1_000;
const EXPIRED = 5_000;
const DECLINE: Verdict = { word: 'decline', code: 'card_declined', canRetryElsewhere: false };

const order = {
  id: 'auth_1',
  merchantReference: 't/test/pay_1',
  idempotencyKey: 'att_1',
  token: 'tok_visa',
  currency: 'USD',
  amount: 1_000n,
  isSale: false,
  expiresAt: EXPIRED,
};
const granted = authorize(order, APPROVE).authorization;
const sold = authorize({ ...order, isSale: true }, APPROVE).authorization;
const declined = authorize(order, DECLINE).authorization;
const waiting = authorize(order, { word: 'ask_customer' }).authorization;

function then(decision: Decision): Authorization {
  if ('refusal' in decision) throw new Error(decision.refusal);
  return decision.authorization;
}

const half = then(capture(granted, 500n, false, NOW));
const voided = then(voidRest(granted));

describe('an authorization', () => {
  it('is granted, captured at once, declined, or waits for the customer', () => {
    expect(granted).toMatchObject({ status: 'authorized', sums: { authorized: 1_000n, captured: 0n } });
    expect(sold).toMatchObject({ status: 'captured', isClosed: true, sums: { authorized: 1_000n, captured: 1_000n } });
    expect(declined).toMatchObject({ status: 'declined', declineCode: 'card_declined', sums: { authorized: 0n } });
    expect(waiting).toMatchObject({ status: 'action_required', sums: { authorized: 0n } });
  });

  it('is granted in part, of the whole sum that was asked for', () => {
    const inPart = (isSale: boolean) => authorize({ ...order, isSale }, { word: 'approve_part' }).authorization;
    expect(inPart(false)).toMatchObject({
      status: 'authorized',
      amount: 1_000n,
      sums: { authorized: 334n, captured: 0n },
    });
    expect(inPart(true)).toMatchObject({
      status: 'captured',
      isClosed: true,
      sums: { authorized: 334n, captured: 334n },
    });
  });

  it('is granted or declined once the customer has acted', () => {
    expect(then(completeAction(waiting, APPROVE)).sums.authorized).toBe(1_000n);
    expect(then(completeAction(waiting, DECLINE)).status).toBe('declined');
    expect(completeAction(granted, APPROVE)).toEqual({ refusal: 'no_action_required' });
  });

  it('is captured to the last unit of 15 % more, and not one further', () => {
    expect(then(capture(granted, 1_150n, true, NOW)).sums.captured).toBe(1_150n);
    expect(capture(granted, 1_151n, true, NOW)).toEqual({ refusal: 'capture_exceeds_authorized' });
    expect(capture(half, 651n, true, NOW)).toEqual({ refusal: 'capture_exceeds_authorized' });
  });

  it('is captured in parts until the last one', () => {
    expect(half).toMatchObject({ status: 'captured', isClosed: false });
    expect(then(capture(half, 500n, false, NOW)).isClosed).toBe(true);
    expect(then(capture(half, 100n, true, NOW)).isClosed).toBe(true);
  });

  it('grows', () => {
    expect(then(increment(granted, 500n, NOW)).sums.authorized).toBe(1_500n);
  });

  it('gives back what was not captured, once', () => {
    expect(voided).toMatchObject({ isVoided: true, sums: { authorized: 1_000n } });
    expect(then(voidRest(half))).toMatchObject({ isVoided: true, sums: { captured: 500n } });
    expect(then(voidRest(waiting))).toMatchObject({ status: 'declined', declineCode: 'voided' });
  });

  it('is refunded and disputed up to what is left of the capture', () => {
    const refunded = then(refund(half, 200n));
    expect(refund(refunded, 301n)).toEqual({ refusal: 'refund_exceeds_captured' });
    const disputed = then(dispute(refunded, 300n));
    expect(kept(disputed.sums)).toBe(0n);
    expect(refund(disputed, 1n)).toEqual({ refusal: 'refund_exceeds_captured' });
    expect(kept(then(reverseDispute(disputed, 300n)).sums)).toBe(300n);
    expect(dispute(refunded, 301n)).toEqual({ refusal: 'dispute_exceeds_captured' });
  });

  const refusals: readonly [string, Decision, string][] = [
    ['capture after a void', capture(voided, 1n, true, NOW), 'already_voided'],
    ['capture after the last capture', capture(sold, 1n, true, NOW), 'already_captured'],
    ['capture of what was declined', capture(declined, 1n, true, NOW), 'not_authorized'],
    ['capture before the customer has acted', capture(waiting, 1n, true, NOW), 'not_authorized'],
    ['capture when it is over', capture(granted, 1n, true, EXPIRED), 'authorization_expired'],
    ['increment after a void', increment(voided, 1n, NOW), 'already_voided'],
    ['increment after the last capture', increment(sold, 1n, NOW), 'already_captured'],
    ['void after a void', voidRest(voided), 'already_voided'],
    ['void after the last capture', voidRest(sold), 'already_captured'],
    ['void of what was declined', voidRest(declined), 'not_authorized'],
    ['refund of what was not captured', refund(granted, 1n), 'refund_exceeds_captured'],
    ['dispute of what was not captured', dispute(granted, 1n), 'dispute_exceeds_captured'],
    ['dispute of nothing', dispute(granted, 0n), 'dispute_exceeds_captured'],
  ];
  it.each(refusals)('refuses: %s', (_what, decision, refusal) => expect(decision).toEqual({ refusal }));
});
