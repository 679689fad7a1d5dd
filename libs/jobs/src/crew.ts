import { EventEmitter } from 'node:events';
import { Logger, runTaskList, type LogFunctionFactory, type WorkerEvents, type WorkerPool } from 'graphile-worker';
import { logger } from '@payflow/telemetry';
import type { Pool } from 'pg';
import type { HandledJob } from './job.js';
import type { Received } from './received.js';
import { runJob, type RunParts } from './run-job.js';

const log = logger('jobs');

/** Notices wake the queue at once; a look in between finds what became due, and what a notice was lost for. */
const POLL_MS = 1_000;
/** Notices of many small transactions are answered together: after a look that found less than all hands can do, the next waits so long. */
const LOOK_AGAIN_MS = 10;
/** Ends that are noted together share a statement, and its COMMIT. */
const BATCH_DELAY_MS = 5;
/** What was fetched and not begun goes back: another process may be idle. */
const HELD_MAX_MS = 5_000;
/** A crew whose end of the library broke is replaced, but not in a tight loop. */
const RESTART_MS = 1_000;

/** Its successes are counted by us, its failures are told by us with the job's own fields. */
const toOurLog: LogFunctionFactory = () => (level, message) => {
  if (level === 'error' || level === 'warning') log.warn({ told: message.split('\n')[0] }, 'the queue tells');
  else if (log.isDebug()) log.debug({ told: message }, 'the queue tells');
};

export interface CrewParts extends Omit<RunParts, 'stopping'> {
  readonly clients: Pool;
  readonly jobs: readonly HandledJob[];
  /** Jobs at once. */
  readonly concurrency: number;
  readonly drain_ms: number;
  /** Hears of everything that comes from the queue. */
  readonly received: Received;
  /** Notes that a worker of this name lives, before it takes anything. */
  readonly onStart: (id: string) => void;
}

/** So many hands for some jobs: they take from the queue what these jobs are, and nothing else, and nobody takes theirs. */
export class Crew {
  private pool: WorkerPool | undefined;
  private isStopping = false;

  constructor(private readonly parts: CrewParts) {}

  get id(): string | undefined {
    return this.pool?.id;
  }

  start(): void {
    const { clients, concurrency, drain_ms, received } = this.parts;
    const events: WorkerEvents = new EventEmitter();
    events.on('localQueue:getJobs:complete', ({ jobs }) => received.note(jobs));
    const pool = runTaskList(
      {
        logger: new Logger(toOurLog),
        noHandleSignals: true,
        preset: {
          worker: {
            events,
            concurrentJobs: concurrency,
            pollInterval: POLL_MS,
            localQueue: {
              size: concurrency,
              ttl: HELD_MAX_MS,
              refetchDelay: { durationMs: LOOK_AGAIN_MS, threshold: concurrency - 1, maxAbortThreshold: Infinity },
            },
            completeJobBatchDelay: BATCH_DELAY_MS,
            failJobBatchDelay: BATCH_DELAY_MS,
            gracefulShutdownAbortTimeout: drain_ms,
          },
        },
      },
      this.tasks(),
      clients,
    );
    this.pool = pool;
    this.parts.onStart(pool.id);
    pool.promise.then(
      () => this.ended(undefined),
      (error: unknown) => this.ended(error),
    );
  }

  /** Takes nothing more, lets what runs end, and gives back what has not begun. Resolves when nothing is held. */
  async stop(): Promise<void> {
    this.isStopping = true;
    await this.pool?.gracefulShutdown('the process ends');
  }

  private tasks() {
    return Object.fromEntries(
      this.parts.jobs.map((each) => [
        each.job.name,
        (_payload: unknown, { job, abortSignal }: { job: Parameters<typeof runJob>[1]; abortSignal: AbortSignal }) =>
          runJob(each, job, { ...this.parts, stopping: abortSignal }),
      ]),
    );
  }

  private ended(error: unknown): void {
    if (this.isStopping) return;
    log.error({ err: error }, 'the queue broke; it is started anew');
    setTimeout(() => {
      if (!this.isStopping) this.start();
    }, RESTART_MS).unref();
  }
}
