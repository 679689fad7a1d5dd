import type { ProblemSpec } from './problems.js';

/** Of who asks too often, and of who is not let in for a while. */
export const TRAFFIC_PROBLEMS = {
  address_blocked: {
    status: 403,
    title: 'The address is blocked for a while',
    remedy:
      'Wait as Retry-After says: the address has guessed at credentials or paths, and each time is longer than the one before. An operator can lift the block.',
    retryable: true,
  },
  credential_blocked: {
    status: 403,
    title: 'The credential is blocked for a while',
    remedy:
      'Wait as Retry-After says: the credential has asked for many ids that there are not, and each time is longer than the one before. An operator can lift the block.',
    retryable: true,
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    remedy:
      'Wait as Retry-After says, then retry with the same Idempotency-Key; RateLimit-Policy says how many a minute may be sent.',
    retryable: true,
  },
} as const satisfies Record<string, ProblemSpec>;
