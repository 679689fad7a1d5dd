import { Ajv, type ValidateFunction } from 'ajv';

/** What is known of a job before anybody runs it: whoever enqueues needs this and not what does the work. */
export interface JobDefinition<D extends object> {
  /** `<noun>.<verb>` */
  readonly name: string;
  /** JSON Schema of the data: checked when it is enqueued, and again before it runs, since another version may have enqueued it. */
  readonly schema: object;
  /** -32768 to 32767; the smaller runs first. */
  readonly priority: number;
  /** Runs that end in an error before it is dead. */
  readonly attempts_max: number;
  /** How long one run may take, ms; then its signal comes. */
  readonly timeLimit_ms: number;
  /** Runs of this job at once in one process, of its own; without, it shares {@link SHARED_CONCURRENCY} with others. */
  readonly concurrency?: number;
  /** What is wrong with the data, or undefined. Names places, never values. */
  problemOf(data: unknown): string | undefined;
  /** Only in the type: the data that it takes. */
  readonly data?: D;
}

/** Jobs that say nothing about their concurrency run so many at once, together. */
export const SHARED_CONCURRENCY = 10;

const NAME = /^[a-z][a-z_]*(\.[a-z][a-z_]*)+$/;
const NAME_LENGTH_MAX = 64;
const PRIORITY_MAX = 32_767;

const ajv = new Ajv({ allErrors: false, strict: true, allowUnionTypes: true });

/** States a job. Throws on what cannot be meant: when the program starts, not when the first is enqueued. */
export function defineJob<D extends object>(facts: Omit<JobDefinition<D>, 'problemOf' | 'data'>): JobDefinition<D> {
  const { name, priority, attempts_max, timeLimit_ms, concurrency = 1 } = facts;
  if (!NAME.test(name) || name.length > NAME_LENGTH_MAX) throw new Error(`not a name of a job: ${name}`);
  if (!Number.isInteger(priority) || Math.abs(priority) > PRIORITY_MAX)
    throw new Error(`${name}: priority ${priority}`);
  if (!(attempts_max >= 1 && attempts_max <= PRIORITY_MAX)) throw new Error(`${name}: attempts_max ${attempts_max}`);
  if (!(timeLimit_ms >= 1) || !(concurrency >= 1)) throw new Error(`${name}: a limit below 1`);
  let validate: ValidateFunction | undefined;
  const problemOf = (data: unknown): string | undefined => {
    validate ??= ajv.compile(facts.schema);
    if (validate(data)) return undefined;
    const [first] = validate.errors ?? [];
    return `${first?.instancePath || '/'} ${first?.message ?? 'is wrong'}`;
  };
  return { ...facts, problemOf };
}

/** One run of a job, as the one who does the work sees it. */
export interface JobRun<D extends object> {
  readonly id: string;
  readonly data: D;
  /** From 1. */
  readonly attempt: number;
  /** How often it was put off before by runs that had no room for it, from 0: as whoever enqueued it says. */
  readonly putOff: number;
  /** Comes when the time is over or the process is about to end: leave things so that another run can go on. */
  readonly signal: AbortSignal;
  /** How far it is, 0 to 100, for whoever looks (`payflow jobs show`): written at most once a second, and never waited for. */
  progress(percent: number): void;
}

/** A job and who does it. */
export interface HandledJob {
  readonly job: JobDefinition<object>;
  readonly handle: (run: JobRun<object>) => Promise<void>;
}

/** Says who does a job. The work may be done twice (a process that was only slow, a crash before the end was noted): it must not matter. */
export function handled<D extends object>(
  job: JobDefinition<D>,
  handle: (run: JobRun<D>) => Promise<void>,
): HandledJob {
  return { job, handle: handle as HandledJob['handle'] };
}

/** Thrown by the work when no other run can go better: the job is dead at once. */
export class JobHopeless extends Error {
  override readonly name = 'JobHopeless';
}
