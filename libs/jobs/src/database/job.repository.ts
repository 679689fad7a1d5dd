import { statement, type Database } from '@payflow/database';

/** A job whose last run failed for the last time, or one that waits or runs. */
export interface JobListing {
  readonly id: string;
  readonly name: string;
  readonly state: JobState;
  readonly key: string | null;
  readonly attempts: number;
  readonly attempts_max: number;
  readonly run_at: Date;
  readonly created_at: Date;
  readonly percent: number | null;
  readonly last_error: string | null;
}

export interface JobDetails extends JobListing {
  readonly data: unknown;
  readonly traceparent: string | null;
  readonly locked_by: string | null;
  readonly locked_at: Date | null;
}

/** `ready`: due, and nobody has it yet; `scheduled`: due later; `dead`: failed as often as it may. */
export const JOB_STATES = ['ready', 'scheduled', 'running', 'dead'] as const;
export type JobState = (typeof JOB_STATES)[number];

const STATE = `case when j.locked_at is not null then 'running' when j.attempts >= j.max_attempts then 'dead'
  when j.run_at > now() then 'scheduled' else 'ready' end`;

const COUNTS = statement(
  'jobs.counts',
  `select t.identifier as name, ${STATE} as state, count(*)::integer as jobs,
     coalesce(max(extract(epoch from now() - j.run_at)) filter (where j.locked_at is null and j.attempts < j.max_attempts), 0)::float8 as oldest_seconds
   from graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id group by 1, 2`,
);

const COLUMNS = `j.id::text as id, t.identifier as name, ${STATE} as state, j.key, j.attempts::integer as attempts,
  j.max_attempts::integer as attempts_max, j.run_at, j.created_at, p.percent::integer as percent, j.last_error`;
const FROM = `graphile_worker._private_jobs j join graphile_worker._private_tasks t on t.id = j.task_id left join job_progress p on p.job_id = j.id`;

const LIST = statement(
  'jobs.list',
  `select * from (select ${COLUMNS} from ${FROM} where $2::text is null or t.identifier = $2) as listed
   where $1::text is null or state = $1 order by run_at, id::bigint limit $3`,
);

const SHOW = statement(
  'jobs.show',
  `select ${COLUMNS}, j.payload -> 'data' as data, j.payload ->> 'traceparent' as traceparent, j.locked_by, j.locked_at
   from ${FROM} where j.id = $1`,
);

const DEAD = `array (select id from graphile_worker._private_jobs
  where id = any ($1::bigint[]) and attempts >= max_attempts and locked_at is null order by id)`;
const decided = (decision: string, changed: string) => `
  with changed as materialized (select * from ${changed}),
  noted as (insert into job_decisions (job_id, name, decision, data, last_error, actor, reason)
    select j.id, t.identifier, '${decision}', j.payload -> 'data', j.last_error, $2, $3
    from changed j join graphile_worker._private_tasks t on t.id = j.task_id order by j.id)
  select count(*)::integer as jobs from changed`;

// The library's functions leave alone what somebody is working on.
const REDRIVE = statement(
  'jobs.redrive',
  decided('redriven', `graphile_worker.reschedule_jobs(${DEAD}, run_at := now(), attempts := 0)`),
);
const DISCARD = statement('jobs.discard', decided('discarded', `graphile_worker.complete_jobs(${DEAD})`));

/** Who decided, and why: kept with the decision. */
export interface Decision {
  readonly actor: string;
  readonly reason: string;
}

export interface JobCount {
  readonly name: string;
  readonly state: JobState;
  readonly jobs: number;
  /** How long the one that has waited longest past its time has waited. */
  readonly oldest_seconds: number;
}

/** How many jobs stand where. Reads the whole queue, which is short while all is well: for a look every few seconds. */
export function countJobs(db: Database): Promise<JobCount[]> {
  return db.rows<JobCount>(COUNTS);
}

/** Jobs in one state or all, of one name or all, those that were due first at the head. */
export function listJobs(
  db: Database,
  { state, name, limit }: { readonly state?: JobState; readonly name?: string; readonly limit: number },
): Promise<JobListing[]> {
  return db.rows<JobListing>(LIST, [state ?? null, name ?? null, limit]);
}

export async function showJob(db: Database, id: string): Promise<JobDetails | undefined> {
  return (await db.rows<JobDetails>(SHOW, [id]))[0];
}

/** Lets dead jobs run again, as often as new ones. Returns how many there were. */
export async function redriveJobs(db: Database, ids: readonly string[], { actor, reason }: Decision): Promise<number> {
  return (await db.rows<{ jobs: number }>(REDRIVE, [ids, actor, reason]))[0]?.jobs ?? 0;
}

/** Takes dead jobs away, for good. Returns how many there were. */
export async function discardJobs(db: Database, ids: readonly string[], { actor, reason }: Decision): Promise<number> {
  return (await db.rows<{ jobs: number }>(DISCARD, [ids, actor, reason]))[0]?.jobs ?? 0;
}
