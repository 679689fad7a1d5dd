/** What a credential may do. */
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
  'keys:read',
  'keys:write',
  'users:read',
  'users:write',
  /** Making, changing and removing owners. */
  'users:admin',
  'audit:read',
  'requests:read',
  'blocks:read',
  /** Letting in again who was blocked. */
  'blocks:write',
  /** The clock and the end of what stands in test mode. */
  'test:write',
] as const;

export type Scope = (typeof SCOPES)[number];
