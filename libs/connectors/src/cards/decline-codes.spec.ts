import { DECLINES, type Decline } from '@payflow/contracts';
import { SCENARIOS } from '@payflow/sandbox/scenarios';
import { describe, expect, it } from 'vitest';
import { declineOf, refusalOf } from './decline-codes.js';

/** Why an issuer says no at the acquirer that we have, and what a customer is told of it. */
const DECLINED: Readonly<Record<string, Decline>> = {
  card_declined: 'card_declined',
  insufficient_funds: 'insufficient_funds',
  card_expired: 'card_expired',
  fraud_suspected: 'fraud_suspected',
  do_not_honor: 'card_declined',
  lost_card: 'card_lost_or_stolen',
  stolen_card: 'card_lost_or_stolen',
  incorrect_cvc: 'security_code_wrong',
  limit_exceeded: 'limit_exceeded',
  processing_error: 'provider_declined',
  acquirer_unavailable: 'provider_declined',
  authentication_failed: 'authentication_failed',
};

/** What the acquirer itself refuses, by the codes that it publishes. */
const REFUSED: Readonly<Record<string, Decline>> = {
  already_captured: 'authorization_ended',
  already_voided: 'authorization_ended',
  authorization_expired: 'authorization_ended',
  capture_exceeds_authorized: 'capture_exceeds_authorized',
  currency_differs: 'asset_not_accepted',
  currency_unknown: 'asset_not_accepted',
  dispute_decided: 'dispute_not_open',
  invalid_request: 'request_refused',
  not_authorized: 'authorization_ended',
  not_found: 'reference_unknown',
  refund_exceeds_captured: 'refund_exceeds_captured',
  token_unknown: 'token_unknown',
};

describe('an acquirer’s word in ours', () => {
  it.each(Object.entries(DECLINED))('declined with %s: %s', (code, ours) => {
    expect(declineOf(code)).toBe(ours);
  });

  it.each(Object.entries(REFUSED))('refused with %s: %s', (code, ours) => {
    expect(refusalOf(code)).toBe(ours);
  });

  it('is there for every decline that the sandbox plays', () => {
    const played = SCENARIOS.flatMap(({ verdict }) => (verdict.word === 'decline' ? [verdict.code] : []));
    expect(played.length).toBeGreaterThan(10);
    expect(played.filter((code) => !(code in DECLINED))).toEqual([]);
  });

  it.each([null, '', 'no_such_code', 'constructor', '__proto__'])(
    'is the plainest for what nobody knows: %s',
    (code) => {
      expect([declineOf(code), refusalOf(code ?? '')]).toEqual(['card_declined', 'request_refused']);
    },
  );

  it('is one that customers are told', () => {
    for (const ours of [...Object.values(DECLINED), ...Object.values(REFUSED)]) expect(DECLINES).toHaveProperty(ours);
  });
});
