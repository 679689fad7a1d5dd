/** What an API key may do. */
export const SCOPES = [
  'accounts:read',
  'accounts:write',
  /** Opening accounts that may fall below zero. */
  'accounts:admin',
  'payments:read',
  'payments:write',
  'monitoring:read',
] as const;

export type Scope = (typeof SCOPES)[number];
