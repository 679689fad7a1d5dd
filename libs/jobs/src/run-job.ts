import { SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import type { Database } from '@payflow/database';
import { extractTraceContext, logger, redactLine } from '@payflow/telemetry';
import type { Job as QueuedJob } from 'graphile-worker';
import { retryJitter_ms } from './back-off.js';
import { isHeld, prepareRetry, type Failing } from './database/job-worker.repository.js';
import type { Payload } from './enqueue.js';
import { JobHopeless, type HandledJob } from './job.js';
import { countRun, countWait, type RunOutcome } from './metrics.js';
import type { ProgressBoard } from './progress.js';

const log = logger('jobs');
const tracer = trace.getTracer('payflow.jobs');

/** From its signal a run has so long to leave things in order; then it is given up, whatever it is at. */
const GRACE_MS = 2_000;
const ERROR_LENGTH_MAX = 500;

/** A run that did not end in its time, nor when it was told to. */
class JobOverdue extends Error {
  override readonly name = 'JobOverdue';
}

/** While it ran, its job was taken from its worker, which had not been seen for too long. */
class JobTaken extends Error {
  override readonly name = 'JobTaken';
}

export interface RunParts {
  readonly db: Database;
  readonly progress: ProgressBoard;
  /** For so long nothing is taken from a worker, ms. */
  readonly safe_ms: number;
  /** Comes when the process is about to end. */
  readonly stopping: AbortSignal;
}

/** Runs a job once, in the trace that it was enqueued in. Rejects when it has to run again, or is dead. */
export async function runJob({ job, handle }: HandledJob, queued: QueuedJob, parts: RunParts): Promise<void> {
  const payload = queued.payload as Payload;
  const startedAt_ms = performance.now();
  // Between being taken and being run, the process may have stood still too.
  const waited_ms = Math.max(0, Date.now() - (queued.locked_at?.getTime() ?? 0));
  countWait(job.name, Date.now() - queued.run_at.getTime());
  const span = tracer.startSpan(
    `job ${job.name}`,
    {
      kind: SpanKind.CONSUMER,
      attributes: { 'messaging.operation.type': 'process', 'messaging.message.id': queued.id },
    },
    extractTraceContext(payload.traceparent),
  );
  const limit = AbortSignal.timeout(job.timeLimit_ms);
  const signal = AbortSignal.any([limit, parts.stopping]);
  let outcome: RunOutcome = 'done';
  try {
    const problem = job.problemOf(payload.data);
    if (problem) throw new JobHopeless(`the data breaks the schema: ${problem}`);
    const run = {
      id: queued.id,
      data: payload.data as object,
      attempt: queued.attempts,
      putOff: payload.putOff ?? 0,
      signal,
      progress: (percent: number) => parts.progress.note(queued.id, percent),
    };
    await context.with(trace.setSpan(context.active(), span), () => withinGrace(handle(run), signal));
    await refuseTaken(queued, performance.now() - startedAt_ms + waited_ms, parts);
  } catch (error) {
    // The work is done, and what has become of the job is not for this run to say.
    if (error instanceof JobTaken) throw error;
    span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' });
    const failing = failingOf(error, parts.stopping);
    outcome = outcomeOf(failing, queued, limit);
    await noteFailure(queued, failing, parts.db);
    throw storable(error);
  } finally {
    await parts.progress.end(queued.id);
    span.end();
    countRun(job.name, outcome, performance.now() - startedAt_ms);
  }
}

/**
 * The library notes the end of a run by the job's id alone, and a job that was released is replaced in place by the next under its
 * key: the end of the first run would delete the second job. What rejects is noted only where the worker still has the job. A monotonic
 * clock goes on while a process is stopped, so that short runs need not ask.
 */
async function refuseTaken(queued: QueuedJob, held_ms: number, { db, safe_ms }: RunParts): Promise<void> {
  const { id: job, locked_by: worker, locked_at: since } = queued;
  if (held_ms < safe_ms || !worker || !since || (await isHeld(db, { job, worker, since }))) return;
  log.warn({ job, worker }, 'a job was taken from a worker that was slow; its end is not noted');
  throw new JobTaken('another may have it by now');
}

/** What the work says is waited for; what does not end when it is told to is left alone, and its job runs again. */
async function withinGrace(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  let giveUp: (() => void) | undefined;
  const overdue = new Promise<never>((_, reject) => {
    giveUp = () => {
      timer = setTimeout(() => reject(new JobOverdue('it did not end in its time')), GRACE_MS);
    };
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
  try {
    await Promise.race([work, overdue]);
  } finally {
    clearTimeout(timer);
    if (giveUp) signal.removeEventListener('abort', giveUp);
    // Nobody hears it any more.
    work.catch(() => undefined);
  }
}

function failingOf(error: unknown, stopping: AbortSignal): Failing {
  if (error instanceof JobHopeless) return 'hopeless';
  return stopping.aborted ? 'interrupted' : 'failed';
}

function outcomeOf(failing: Failing, { attempts, max_attempts }: QueuedJob, limit: AbortSignal): RunOutcome {
  if (failing === 'interrupted') return 'interrupted';
  if (failing === 'hopeless' || attempts >= max_attempts) return 'dead';
  return limit.aborted ? 'timed_out' : 'failed';
}

async function noteFailure(queued: QueuedJob, failing: Failing, db: Database): Promise<void> {
  const jitter_ms = failing === 'failed' ? retryJitter_ms(queued.attempts, Math.random()) : 0;
  try {
    await prepareRetry(db, { job: queued.id, worker: queued.locked_by ?? '', failing, jitter_ms });
  } catch (error) {
    // The library's own wait is good enough.
    log.warn({ err: error, job: queued.id }, 'the retry of a job could not be prepared');
  }
}

/** The library keeps the message in the job's row: no secret may be in it. */
function storable(error: unknown): Error {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  return new Error(redactLine(`${name}: ${message}`).slice(0, ERROR_LENGTH_MAX));
}
