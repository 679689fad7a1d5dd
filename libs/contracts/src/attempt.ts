/** How it stands with what was asked of a provider. */
export const ATTEMPT_STATUSES = [
  'created',
  'sending',
  'unknown',
  'requires_action',
  'approved',
  'declined',
  'not_sent',
] as const;
export type AttemptStatus = (typeof ATTEMPT_STATUSES)[number];

/** Where a word on an attempt came from. An operator's is a human's, who has asked the provider by other ways. */
export const NEWS_SOURCES = ['answer', 'inquiry', 'webhook', 'operator'] as const;
export type NewsSource = (typeof NEWS_SOURCES)[number];
