import type { Decline } from '@payflow/contracts';

/** The acquirer's words, in ours. What is not here is `card_declined` from the issuer and `request_refused` from the acquirer. */
const DECLINE_CODES: Readonly<Record<string, Decline>> = {
  account_closed: 'card_not_supported',
  acquirer_unavailable: 'provider_declined',
  already_captured: 'authorization_ended',
  already_voided: 'authorization_ended',
  amount_too_large: 'amount_not_accepted',
  amount_too_small: 'amount_not_accepted',
  authentication_failed: 'authentication_failed',
  authentication_required: 'authentication_failed',
  authorization_expired: 'authorization_ended',
  capture_exceeds_authorized: 'capture_exceeds_authorized',
  card_declined: 'card_declined',
  card_expired: 'card_expired',
  card_not_supported: 'card_not_supported',
  currency_differs: 'asset_not_accepted',
  currency_unknown: 'asset_not_accepted',
  dispute_decided: 'dispute_not_open',
  do_not_honor: 'card_declined',
  expired_card: 'card_expired',
  fraud_suspected: 'fraud_suspected',
  incorrect_cvc: 'security_code_wrong',
  insufficient_funds: 'insufficient_funds',
  issuer_unavailable: 'issuer_unavailable',
  limit_exceeded: 'limit_exceeded',
  lost_card: 'card_lost_or_stolen',
  not_authorized: 'authorization_ended',
  not_found: 'reference_unknown',
  pickup_card: 'card_lost_or_stolen',
  processing_error: 'provider_declined',
  refund_exceeds_captured: 'refund_exceeds_captured',
  restricted_card: 'card_not_supported',
  stolen_card: 'card_lost_or_stolen',
  token_unknown: 'token_unknown',
  transaction_not_allowed: 'card_not_supported',
  voided: 'authorization_ended',
  withdrawal_limit_exceeded: 'limit_exceeded',
};

/** Our word for why the issuer or the acquirer declined. */
export function declineOf(code: string | null): Decline {
  return (code !== null && own(code)) || 'card_declined';
}

/** Our word for why the acquirer refused a request. */
export function refusalOf(code: string): Decline {
  return own(code) || 'request_refused';
}

function own(code: string): Decline | undefined {
  return Object.hasOwn(DECLINE_CODES, code) ? DECLINE_CODES[code] : undefined;
}
