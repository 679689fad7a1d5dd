/**
 * Why a provider said no, in words of ours that are the same for all providers: the `failure.code` of a payment or an operation,
 * beside the refusals of our own.
 */
export const DECLINES = {
  amount_not_accepted: 'The provider does not take this amount.',
  asset_not_accepted: 'The provider does not take this currency.',
  authentication_failed: 'The customer could not prove who they are.',
  authorization_ended: 'What was set aside is taken, given back or out of time.',
  capture_exceeds_authorization: 'More was to be captured than is set aside.',
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
  refund_exceeds_capture: 'More was to be given back than was captured.',
  request_refused: 'The provider could make nothing of the request.',
  security_code_wrong: 'The security code was wrong.',
  token_unknown: 'The token stands for no card that the provider knows.',
} as const;

export type Decline = keyof typeof DECLINES;
