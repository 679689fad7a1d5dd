/**
 * Why a provider said no, in words of ours that are the same for all providers: the `failure.code` of a payment or an operation,
 * beside the refusals of our own.
 */
export const DECLINES = {
  amount_not_accepted: 'The provider does not take this amount.',
  asset_not_accepted: 'The provider does not take this currency.',
  authentication_failed: 'The customer could not prove who they are.',
  authorization_ended: 'What was set aside is taken, given back or out of time.',
  capture_exceeds_authorized: 'More was to be captured than is set aside.',
  card_declined: 'The issuer declined and did not say why.',
  card_expired: 'The card is out of date.',
  card_lost_or_stolen: 'The card was reported lost or stolen.',
  card_not_supported: 'The card is not for payments of this kind.',
  dispute_not_open: 'The dispute takes no more evidence.',
  fraud_suspected: 'The issuer or the provider took it for fraud.',
  insufficient_funds: 'There is less than the amount to be had.',
  issuer_unavailable: 'The issuer could not be asked.',
  limit_exceeded: 'The card may not be used so often, or for so much.',
  provider_declined: 'The provider declined for a reason of its own.',
  reference_unknown: 'The provider does not know what this is about.',
  refund_exceeds_captured: 'More was to be given back than was captured.',
  request_refused: 'The provider could make nothing of the request.',
  security_code_wrong: 'The security code was wrong.',
  token_unknown: 'The token stands for no card that the provider knows.',
} as const;

export type Decline = keyof typeof DECLINES;

/** Why a provider was not asked, or shut its door: nothing has happened there. In `failure.code` too, where no other could be asked. */
export const NOT_SENT_REASONS = {
  action_not_supported: 'The connector cannot do this.',
  amount_not_supported: 'The amount is below or above what the connector takes.',
  asset_not_supported: 'The connector does not take this currency.',
  brand_not_supported: 'The connector does not take cards of this brand.',
  breaker_open: 'The provider failed several times in a row, and is left alone for some seconds.',
  caller_gone: 'The process was stopping.',
  connection_not_made: 'No connection to the provider could be made.',
  connector_failed: 'An error of ours, before anything was sent.',
  country_not_supported: 'The connector does not take cards of this country.',
  deadline_passed: 'No time was left.',
  method_not_supported: 'The connector does not take this kind of payment.',
  no_connection_in_time: 'No connection to the provider was there in time.',
  provider_rate_limited: 'The provider takes no more requests just now.',
  provider_refused_us: 'The provider does not accept our key, or not for this.',
  provider_unavailable: 'The provider said that it takes no requests just now.',
  queue_full: 'Too many calls of the provider waited for a place.',
  queued_too_long: 'No place for a call of the provider came free in time.',
  rate_limited: 'No turn was left at the rate that the provider allows.',
  request_incomplete: 'The payment lacks what the provider needs.',
} as const;

export type NotSentReason = keyof typeof NOT_SENT_REASONS;
