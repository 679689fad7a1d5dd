import { METRICS } from '@payflow/contracts';
import { counter, gauge, histogram } from '@payflow/telemetry';
import { JOB_STATES, type JobCount } from './database/job.repository.js';

/** From a millisecond to the longest that a job may take, and to what a backlog may come to. */
const BUCKETS_S = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export type RunOutcome = 'done' | 'failed' | 'timed_out' | 'interrupted' | 'dead';

const jobs = gauge(METRICS.jobs, 'Jobs in the queue, by what they do and how they stand.', ['job', 'state'] as const);
const oldest = gauge(METRICS.jobsOldestSeconds, 'How long the job that is late the most has been due.', [
  'job',
] as const);
const runs = histogram(
  METRICS.jobDuration,
  'What runs of jobs took, by how they ended.',
  ['job', 'outcome'],
  BUCKETS_S,
);
const waits = histogram(METRICS.jobWait, 'From the time that a job was due to its run.', ['job'], BUCKETS_S);
const lost = counter(METRICS.jobWorkersLost, 'Workers that were found to be gone; what they held was given to others.');

const MS_PER_S = 1_000;

export function countRun(job: string, outcome: RunOutcome, took_ms: number): void {
  runs.observe({ job, outcome }, took_ms / MS_PER_S);
}

export function countWait(job: string, waited_ms: number): void {
  waits.observe({ job }, Math.max(waited_ms, 0) / MS_PER_S);
}

export function countLost(workers: number): void {
  lost.inc(workers);
}

/** Jobs that were shown once. */
const shown = new Set<string>();

/** How the whole queue stands; a job that is known, or was in it before, and is not in it now stands at nought. */
export function showCounts(names: readonly string[], counts: readonly JobCount[]): void {
  for (const name of [...names, ...counts.map(({ name }) => name)]) shown.add(name);
  for (const job of shown) {
    const own = counts.filter(({ name }) => name === job);
    for (const state of JOB_STATES) jobs.set({ job, state }, own.find((count) => count.state === state)?.jobs ?? 0);
    oldest.set({ job }, Math.max(0, ...own.map(({ oldest_seconds }) => oldest_seconds)));
  }
}
