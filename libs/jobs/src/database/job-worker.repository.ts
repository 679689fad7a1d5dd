import { statement, type Database } from '@payflow/database';

const SEEN = statement(
  'jobs.seen',
  `insert into job_workers (id) select * from unnest($1::text[]) order by 1
   on conflict (id) do update set seen_at = clock_timestamp()`,
);

const LEAVE = statement('jobs.leave', 'delete from job_workers where id = any ($1::text[])');

// A worker is seen before it takes its first job. One without a row has left, or was found to be gone while it was only slow:
// what it holds is taken by others then, and done twice at worst.
const RELEASE_LOST = statement(
  'jobs.release-lost',
  `with gone as (delete from job_workers where seen_at < clock_timestamp() - $1 * interval '1 millisecond' returning id),
   lost as materialized (
     select distinct locked_by from graphile_worker._private_jobs j
     where locked_by is not null and locked_at < now() - $1 * interval '1 millisecond'
       and not exists (select from job_workers w where w.id = j.locked_by and w.id not in (select id from gone)))
   select locked_by as worker, graphile_worker.force_unlock_workers(array[locked_by]) from lost`,
);

const HELD_BY = statement(
  'jobs.held-by',
  'select id::text, locked_at from graphile_worker._private_jobs where locked_by = any ($1::text[])',
);

// What has not begun is not held against it. One that has been replaced meanwhile has no further runs, as after a failure.
// Whoever enqueues locks in another order: nobody is waited for.
const GIVE_BACK = statement(
  'jobs.give-back',
  `update graphile_worker._private_jobs set locked_by = null, locked_at = null,
     attempts = case when key is not null or payload ->> 'keyed' is null then greatest(attempts - 1, 0) else attempts end
   where id = any (array (
     select id from graphile_worker._private_jobs
     where id = any ($1::bigint[]) and locked_by = any ($2::text[]) and locked_at < now() - $3 * interval '1 millisecond'
     for update skip locked))`,
);

// Of a job that runs, or is dead, when another comes under its key, the library takes key and further runs away. The other has
// its place: where the first fails, or its process dies, that is no dead job.
const DROP_REPLACED = statement(
  'jobs.drop-replaced',
  `delete from graphile_worker._private_jobs
   where key is null and locked_at is null and attempts >= max_attempts and payload ->> 'keyed' = 'true'`,
);

const FORGET_PROGRESS = statement(
  'jobs.forget-progress',
  `delete from job_progress p where not exists (select from graphile_worker._private_jobs j where j.id = p.job_id)`,
);

const PROGRESS = statement(
  'jobs.progress',
  `insert into job_progress (job_id, percent) select * from unnest($1::bigint[], $2::smallint[]) order by 1
   on conflict (job_id) do update set percent = excluded.percent, updated_at = clock_timestamp()`,
);

// The library adds e^attempts seconds to what stands here, and lets go of the job. One that has been replaced meanwhile has no
// further runs, however it ended: two under one key would run.
const PREPARE_RETRY = statement(
  'jobs.prepare-retry',
  `update graphile_worker._private_jobs set run_at = greatest(run_at, now()) + $2 * interval '1 millisecond',
     attempts = case when $3::text = 'hopeless' then max_attempts
       when $3 = 'interrupted' and (key is not null or payload ->> 'keyed' is null) then greatest(attempts - 1, 0) else attempts end
   where id = $1 and locked_by = $4`,
);

// Of a worker that was taken for gone, the job may have come to another, or to itself a second time, at another moment.
const HELD = statement(
  'jobs.held',
  `select from graphile_worker._private_jobs
   where id = $1 and locked_by = $2 and date_trunc('milliseconds', locked_at) = $3`,
);

/** Notes that these workers live. */
export async function seeWorkers(db: Database, ids: readonly string[]): Promise<void> {
  await db.count(SEEN, [ids]);
}

export async function leaveWorkers(db: Database, ids: readonly string[]): Promise<void> {
  await db.count(LEAVE, [ids]);
}

/** Gives back what workers held that have not been seen for so long; returns who they were. */
export async function releaseLost(db: Database, unseen_ms: number): Promise<string[]> {
  return (await db.rows<{ worker: string }>(RELEASE_LOST, [unseen_ms])).map(({ worker }) => worker);
}

/** A job that the queue holds for a worker, since when. */
export interface HeldJob {
  readonly id: string;
  readonly locked_at: Date;
}

/** What the queue holds for these workers, by its own word. */
export async function readHeld(db: Database, workers: readonly string[]): Promise<HeldJob[]> {
  return db.rows<HeldJob>(HELD_BY, [workers]);
}

/** Gives back those of the jobs that the queue has held for these workers for so long, as if they had never been taken; returns how many. */
export async function giveBack(
  db: Database,
  { jobs, workers, held_ms }: { jobs: readonly string[]; workers: readonly string[]; held_ms: number },
): Promise<number> {
  return db.count(GIVE_BACK, [jobs, workers, held_ms]);
}

export async function dropReplaced(db: Database): Promise<void> {
  await db.count(DROP_REPLACED);
}

export async function forgetProgress(db: Database): Promise<void> {
  await db.count(FORGET_PROGRESS);
}

export async function noteProgress(
  db: Database,
  words: readonly (readonly [job: string, percent: number])[],
): Promise<void> {
  await db.count(PROGRESS, [words.map(([job]) => job), words.map(([, percent]) => percent)]);
}

/** Whether a worker still has the job that it took then. */
export async function isHeld(
  db: Database,
  { job, worker, since }: { job: string; worker: string; since: Date },
): Promise<boolean> {
  return (await db.count(HELD, [job, worker, since])) > 0;
}

/** How a run ended that did not succeed: `interrupted` by the end of the process, which is not held against it. */
export type Failing = 'failed' | 'hopeless' | 'interrupted';

/** Before the library notes that a run has failed: spreads the retries, and says what counts. */
export async function prepareRetry(
  db: Database,
  { job, worker, failing, jitter_ms }: { job: string; worker: string; failing: Failing; jitter_ms: number },
): Promise<void> {
  await db.count(PREPARE_RETRY, [job, jitter_ms, failing, worker]);
}
