import type { ProblemSpec } from './problems.js';

/** Of what there is in test mode alone. */
export const TEST_MODE_PROBLEMS = {
  test_clock_backwards: {
    status: 422,
    title: 'A test clock only goes forward',
    remedy: 'Name an instant after the `now` of `GET /test/clock`, or start anew by `POST /test/reset`.',
  },
  test_clock_too_far: {
    status: 422,
    title: 'A test clock goes at most ten years ahead',
    remedy: 'Travel less far, or start anew by `POST /test/reset`.',
  },
  test_mode_only: {
    status: 403,
    title: 'Only in test mode',
    remedy: 'Use a test key (`sk_test_…`) or a test session: nothing of what is live can be reset or travel in time.',
  },
} as const satisfies Record<string, ProblemSpec>;
