/** What an API key may do. */
export const SCOPES = [
  'accounts:read',
  'accounts:write',
  /** Letting accounts fall below zero. */
  'accounts:admin',
  'payments:read',
  'payments:write',
  'transfers:read',
  'transfers:write',
  'holds:read',
  'holds:write',
  'limits:read',
  'limits:write',
  'reviews:read',
  'reviews:write',
  'monitoring:read',
  'requests:read',
] as const;

export type Scope = (typeof SCOPES)[number];
