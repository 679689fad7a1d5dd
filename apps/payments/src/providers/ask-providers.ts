import type { NewJob } from '@payflow/jobs';
import type { NewAttempt } from './attempt.js';
import type { OpenAttempt } from './attempt.repository.js';
import { askingOf, inquiryOf } from './provider-jobs.js';

/**
 * The jobs that ask providers what was written down, once the transaction has committed; `open`: of these, which were sent before,
 * it is asked at once how they ended.
 */
export function providerJobs(attempts: readonly NewAttempt[], open: readonly OpenAttempt[] = []): NewJob[] {
  return [...attempts.map((attempt) => askingOf(attempt)), ...open.map((attempt) => inquiryOf(attempt, 0))];
}
