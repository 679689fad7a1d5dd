import type { ProblemSpec } from './problems.js';

/** Of disputes, and of what providers tell of them. */
export const DISPUTE_PROBLEMS = {
  payment_disputed: {
    status: 409,
    title: 'What is left of the payment is disputed',
    remedy: 'Wait until the dispute is won, or give back no more than is not disputed.',
  },
  evidence_not_accepted: {
    status: 409,
    title: 'The dispute takes no evidence now',
    remedy:
      'Read the dispute: evidence is taken once, while its status is `needs_response` and before `evidence_due_by`.',
  },
  evidence_refused: {
    status: 422,
    title: 'The provider did not take the evidence',
    remedy: 'See `detail` for its reason; send other evidence under a new Idempotency-Key.',
  },
  webhook_signature_invalid: {
    status: 401,
    title: 'The webhook is not signed by its provider, or not of the last five minutes',
    remedy: 'Sign the exact bytes with the secret that was agreed on, at the time of sending; compare the clocks.',
  },
} as const satisfies Record<string, ProblemSpec>;
