import { joinJson, RunAgain, statement, type Transaction } from '@payflow/database';
import { currentTraceparent } from '@payflow/telemetry';
import type { JobDefinition } from './job.js';

/** A job to be done after the transaction that it is enqueued in has committed, and never otherwise. */
export interface NewJob<D extends object = object> {
  readonly job: JobDefinition<D>;
  readonly data: D;
  /** One job with a key at a time: one that waits is replaced, time and data; one that runs already is followed by this one. */
  readonly key?: string;
  /** Not before so long from now, by the database's clock. */
  readonly delay_ms?: number;
  /** How often it was put off before, by a run that had no room for it: told to the next run. None where it is absent. */
  readonly putOff?: number;
  /** Instead of the job's own; the smaller runs first. */
  readonly priority?: number;
  /** Where the job's span belongs; what is active here when absent. */
  readonly traceparent?: string | undefined;
}

/** What lies in the queue. */
export interface Payload {
  readonly data: unknown;
  readonly traceparent?: string;
  /** It had a key: where it has none any more, another has taken its place (`jobs.drop-replaced`). */
  readonly keyed?: true;
  /** Not in the data: a process of the version before would find them broken. */
  readonly putOff?: number;
}

const KEY_LENGTH_MAX = 512;

// Rows go in as arrays, so one text serves any number; the library's own function makes rows, keys and the wake-up of them.
const ENQUEUE = statement(
  'jobs.enqueue',
  `select count(*)::integer as put from graphile_worker.add_jobs(array (
     select row(n.name, n.payload, null, now() + n.delay_ms * interval '1 millisecond', n.attempts_max, n.key, n.priority, null)::graphile_worker.job_spec
     from unnest($1::text[], string_to_array($2, chr(30))::json[], $3::double precision[], $4::smallint[], $5::text[], $6::smallint[])
       as n (name, payload, delay_ms, attempts_max, key, priority)))`,
);

/**
 * Puts jobs into the queue, in one statement however many they are. They run once the transaction has committed, and are gone
 * with it when it rolls back. Throws on data that breaks its job's schema: a bug of ours, found before COMMIT. Throws
 * {@link RunAgain} where a worker has taken a job in the instant in which it was to be replaced.
 */
export async function enqueue(tx: Transaction, jobs: readonly NewJob[]): Promise<void> {
  if (jobs.length === 0) return;
  const last = inOrder(lastOfEachKey(jobs));
  const active = currentTraceparent();
  const [row] = await tx.rows<{ put: number }>(ENQUEUE, [
    last.map(({ job }) => job.name),
    joinJson(last.map((each) => payloadOf(each, active))),
    last.map(({ delay_ms }) => delay_ms ?? 0),
    last.map(({ job }) => job.attempts_max),
    last.map(({ key }) => key ?? null),
    last.map(({ job, priority }) => priority ?? job.priority),
  ]);
  // The library takes their keys from jobs that run, and replaces those that wait: one that was taken in between is neither.
  if (row?.put !== last.length) throw new RunAgain('a job was taken while it was to be replaced');
}

/** Types the data by its job, which a plain object in a list would not be. */
export function newJob<D extends object>(job: JobDefinition<D>, wish: Omit<NewJob<D>, 'job'>): NewJob {
  return { job: job as JobDefinition<object>, ...wish };
}

function payloadOf({ job, data, key, traceparent, putOff }: NewJob, active: string | undefined): string {
  const problem = job.problemOf(data);
  if (problem) throw new TypeError(`${job.name} breaks its schema: ${problem}`);
  if (key !== undefined && (key.length === 0 || key.length > KEY_LENGTH_MAX))
    throw new RangeError(`${job.name}: a key has 1 to ${KEY_LENGTH_MAX} characters`);
  const trace = traceparent ?? active;
  const payload: Payload = {
    data,
    ...(trace ? { traceparent: trace } : {}),
    ...(key === undefined ? {} : { keyed: true }),
    ...(putOff === undefined ? {} : { putOff }),
  };
  return JSON.stringify(payload);
}

/** Whoever replaces what waits has its row until COMMIT: all in the order of the keys, so that two never wait for each other. */
function inOrder(jobs: readonly NewJob[]): readonly NewJob[] {
  return jobs.toSorted(({ key: a = '' }, { key: b = '' }) => (a < b ? -1 : a > b ? 1 : 0));
}

/** One statement cannot put two rows under one key. */
function lastOfEachKey(jobs: readonly NewJob[]): readonly NewJob[] {
  const keys = jobs.flatMap(({ key }) => key ?? []);
  if (new Set(keys).size === keys.length) return jobs;
  const last = new Map(jobs.map((each, at) => [each.key ?? at, each]));
  return [...last.values()];
}
