import type { ProblemSpec } from './problems.js';

/** Of a gateway that is asked for more than it can do. */
export const LOAD_PROBLEMS = {
  overloaded: {
    status: 503,
    title: 'More is asked for than can be done now',
    remedy:
      'Nothing was done. Wait as Retry-After says, then send the same request with the same Idempotency-Key; exports and reads are put off before writes.',
    retryable: true,
  },
} as const satisfies Record<string, ProblemSpec>;
