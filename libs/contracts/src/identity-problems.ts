import type { ProblemSpec } from './problems.js';

/** Of users, sessions and API keys, and of what the gateway does by itself. */
export const IDENTITY_PROBLEMS = {
  key_in_use: {
    status: 409,
    title: 'The same request is being done right now',
    remedy: 'Send it again with the same Idempotency-Key after `Retry-After` seconds: the answer is there then.',
    retryable: true,
  },
} as const satisfies Record<string, ProblemSpec>;
