export { JobQueue1764200500001 } from './database/job-queue.js';
export { JOB_RIGHTS } from './database/job-rights.js';
export { JobTables1764200500002 } from './database/job-tables.js';
export {
  countJobs,
  discardJobs,
  JOB_STATES,
  listJobs,
  redriveJobs,
  showJob,
  type Decision,
  type JobDetails,
  type JobListing,
  type JobState,
} from './database/job.repository.js';
export { enqueue, newJob, type NewJob } from './enqueue.js';
export { defineJob, handled, JobHopeless, type HandledJob, type JobDefinition, type JobRun } from './job.js';
export { JobWorker, type JobWorkerOptions } from './job-worker.js';
