import type { ProblemSpec } from './problems.js';

/** Of reading and changing resources. */
export const RESOURCE_PROBLEMS = {
  precondition_required: {
    status: 428,
    title: 'If-Match is missing',
    remedy: 'Send the ETag of the version that you decided on, or `*` where any will do.',
  },
} as const satisfies Record<string, ProblemSpec>;
