import type { Rights } from '@payflow/database';

/** What the worker does in the tables beside the queue; those to the queue's own schema come with its migration. */
export const JOB_RIGHTS = {
  job_workers: { update: ['seen_at'], delete: true },
  job_progress: { update: ['percent', 'updated_at'], delete: true },
} as const satisfies Rights;
